import ts from 'typescript'

/**
 * The titles of the tests and groups in a file of tests, as its author wrote them: `it.each(rows)('%s', …)` gives one title a
 * row, filled in from the row's own texts. What is only known when it runs (a row that a call makes) stays empty. Comments,
 * and texts elsewhere, are no titles.
 */
export function testTitles(source: string): string[] {
  const file = ts.createSourceFile('a.test.ts', source, ts.ScriptTarget.Latest, true)
  const constants = new Map<string, ts.Expression>()
  const titles: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer) {
      constants.set(node.name.text, node.initializer)
    }
    if (ts.isCallExpression(node) && isTest(node.expression)) titles.push(...titlesOf(node, constants))
    ts.forEachChild(node, visit)
  }
  visit(file)
  return titles
}

/** `it`, `test`, `describe`, and what is made of them: `it.skipIf(…)`, `describe.each(…)`. */
function isTest(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return ['it', 'test', 'describe'].includes(callee.text)
  return (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) && isTest(callee.expression)
}

function titlesOf(call: ts.CallExpression, constants: ReadonlyMap<string, ts.Expression>): string[] {
  const [first] = call.arguments
  const title = first && textOf(first, constants)
  if (title === undefined) return []
  const rows = tableOf(call.expression, constants)
  return rows ? rows.map((row) => filledIn(title, row, constants)) : [title]
}

/** The rows of `it.each(rows)` and `it.for(rows)`. */
function tableOf(callee: ts.Expression, constants: ReadonlyMap<string, ts.Expression>): ts.Expression[] | undefined {
  if (!ts.isCallExpression(callee) || !ts.isPropertyAccessExpression(callee.expression)) return undefined
  if (!['each', 'for'].includes(callee.expression.name.text)) return undefined
  const table = callee.arguments[0] && plain(callee.arguments[0], constants)
  return table && ts.isArrayLiteralExpression(table) ? elementsOf(table, constants) : undefined
}

function elementsOf(list: ts.ArrayLiteralExpression, constants: ReadonlyMap<string, ts.Expression>): ts.Expression[] {
  return list.elements.flatMap((one) => {
    const value = plain(ts.isSpreadElement(one) ? one.expression : one, constants)
    if (!ts.isSpreadElement(one)) return [value]
    return ts.isArrayLiteralExpression(value) ? elementsOf(value, constants) : []
  })
}

function filledIn(title: string, row: ts.Expression, constants: ReadonlyMap<string, ts.Expression>): string {
  const values = ts.isArrayLiteralExpression(row) ? [...row.elements] : [row]
  return title
    .replaceAll(/%[a-z]/g, () => textOf(values.shift(), constants) ?? '')
    .replaceAll(/\$(\w+)/g, (_, name: string) => textOf(propertyOf(row, name), constants) ?? '')
}

function propertyOf(row: ts.Expression, name: string): ts.Expression | undefined {
  if (!ts.isObjectLiteralExpression(row)) return undefined
  const found = row.properties.find((one) => one.name?.getText() === name)
  return found && ts.isPropertyAssignment(found) ? found.initializer : undefined
}

/** The words of a text, a template's without what is put into it. */
function textOf(node: ts.Expression | undefined, constants: ReadonlyMap<string, ts.Expression>): string | undefined {
  const value = node && plain(node, constants)
  if (!value) return undefined
  if (ts.isStringLiteralLike(value)) return value.text
  if (!ts.isTemplateExpression(value)) return undefined
  return value.head.text + value.templateSpans.map(({ literal }) => literal.text).join('')
}

/** Without `as const`, `satisfies` and parentheses; a constant of the file by its value. */
function plain(node: ts.Expression, constants: ReadonlyMap<string, ts.Expression>): ts.Expression {
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isParenthesizedExpression(node)) {
    return plain(node.expression, constants)
  }
  const value = ts.isIdentifier(node) ? constants.get(node.text) : undefined
  return value && value !== node ? plain(value, constants) : node
}

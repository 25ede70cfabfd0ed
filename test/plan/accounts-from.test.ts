import { describe, expect, test } from 'vitest'
import type { Plan } from '../../src/plan/plan.js'
import { selectAccounts } from '../../src/plan/select.js'
import { complaints, goodPlan, load } from './support.js'

const defaults = `version: 1
accountsFrom: { csv: users.csv }
defaults:
  source: { host: '{server}', user: '{login}@old.example', password: { column: pw } }
  targets:
    - { type: maildir, path: 'mail/{team}/{account}', folder: 'From {login}' }
`

const header = 'name,login,server,team,pw\r\n'
const canary = 'hunter2hunter2'

const fromTable = (table: string | Uint8Array, plan = defaults): Plan => goodPlan(plan, { '/plans/users.csv': table })
const wrongTable = (table: string | Uint8Array, plan = defaults): readonly string[] =>
  complaints(plan, { '/plans/users.csv': table })

function facts({ accounts }: Plan): unknown {
  return accounts.map(({ name, user, host, targets: [target], secrets }) => {
    const spec = secrets.get('password')
    return [name, user, host, target?.settings, spec?.form === 'text' ? spec.secret.reveal() : spec?.form]
  })
}

describe('accounts from a table', () => {
  test('one account a row, made from the defaults', () => {
    const plan = fromTable(`${header}alice,a,pop.old.example,sales,x\r\nbob,b,POP2.old.example,it,"y, ""z"""\r\n`)
    const path = (text: string, folder: string): object => ({ path: `/plans/mail/${text}`, folder, newline: 'lf' })
    expect(facts(plan)).toEqual([
      ['alice', 'a@old.example', 'pop.old.example', path('sales/alice', 'From a'), 'x'],
      ['bob', 'b@old.example', 'pop2.old.example', path('it/bob', 'From b'), 'y, "z"'],
    ])
    expect(plan.secretFiles).toEqual(['/plans/users.csv'])
    expect(selectAccounts(plan, ['b*']).map(({ name }) => name)).toEqual(['bob'])
  })

  test.each([
    ['a byte order mark', `\ufeff${header}a,b,c,d,e\r\n`],
    ['line feeds', `${header}a,b,c,d,e`.replaceAll('\r\n', '\n')],
    ['carriage returns', `${header}a,b,c,d,e`.replaceAll('\r\n', '\r')],
    ['mixed line ends', `${header}a,b,c,d,e\n`],
    ['rows without text', `\n\n${header}\r\n,,,,\r\na,b,c,d,e\r\n , ,,,\n`],
    ['quoted fields', `${header}"a","b","c","d","e"\r\n`],
  ])('%s', (_, table) => {
    expect(facts(fromTable(table))).toEqual([['a', 'b@old.example', 'c', expect.anything(), 'e']])
  })

  test('beside accounts of the plan', () => {
    const own = `accounts:\n  - name: z\n    source: { host: h, user: u, password: x }\n    targets: [{ type: mbox, path: x }]\n`
    expect(fromTable(`${header}a,b,c,d,e`, defaults + own).accounts.map(({ name }) => name)).toEqual(['z', 'a'])
    expect(wrongTable(`${header}z,b,c,d,e`, defaults + own)).toEqual([
      '/plans/users.csv:2:1: column "name": expected another name: it is the same as that of line 8 of /plans/migrate.yaml',
    ])
  })

  test('values are filled in once', () => {
    const plan = fromTable(`${header}{login},{pw},pop.example,{date},{login}`)
    expect(facts(plan)).toEqual([
      [
        '{login}',
        '{pw}@old.example',
        'pop.example',
        { path: '/plans/mail/{date}/{login}', folder: 'From {pw}', newline: 'lf' },
        '{login}',
      ],
    ])
    expect(plan.accounts[0]?.targets[0]?.series).toBeUndefined()
  })

  test('commands are split before a value is filled in, and a value is never taken apart', () => {
    const plan = defaults.replace('{ column: pw }', `{ command: 'helper {team} "{login}" {pw}' }`)
    const spec = fromTable(`${header}a,$(x) 'y,h,"a b",;`, plan).accounts[0]?.secrets.get('password')
    expect(spec?.form === 'command' && spec.words).toEqual(['helper', 'a b', `$(x) 'y`, ';'])
  })

  test('columns called user and host are what {user} and {host} stand for', () => {
    const plan = `version: 1
accountsFrom: { csv: users.csv }
defaults:
  source: { host: '{host}', user: '{user}@old.example', password: { env: PW } }
  targets: [{ type: maildir, path: '{host}/{user}' }]
`
    expect(facts(fromTable('name,user,host\na,u,H.example', plan))).toEqual([
      ['a', 'u@old.example', 'h.example', expect.objectContaining({ path: '/plans/H.example/u' }), 'env'],
    ])
  })

  test('an IMAP target takes its server, user, folder and password from the row', () => {
    const target = `{ type: imap, host: '{server}', user: '{login}@new.example', folder: 'Old/{team}', password: { column: pw } }`
    const plan = defaults.replace(/\{ type: maildir.*/, target)
    const [account] = fromTable(`${header}a,b,imap.example,it,x`, plan).accounts
    const [imap] = account?.targets ?? []
    expect(imap?.settings).toMatchObject({ host: 'imap.example', user: 'b@new.example', folder: 'Old/it' })
    const spec = imap?.secrets.get('password')
    expect(spec?.form === 'text' && spec.secret.reveal()).toBe('x')
    expect(wrongTable(`${header}a,b,c,d,`, plan)).toEqual([
      '/plans/users.csv:2:5: column "pw": expected a secret: this field is empty',
    ])
  })

  test('a renamed account says so in a column', () => {
    const plan = defaults.replace("'{server}'", 'h')
    const table = 'name,login,team,pw,previously\na,a,t,x,\nb,b,t,x,was-b\n'
    expect(fromTable(table, plan).accounts.map(({ previously }) => previously)).toEqual([undefined, 'was-b'])
    expect(wrongTable(table.replace('was-b', 'a'), plan)).toEqual([
      '/plans/users.csv:3:5: column "previously": expected an old name: another account of this plan has it now',
    ])
  })

  test('a thousand rows load quickly', () => {
    const rows = Array.from({ length: 1000 }, (_, n) => `user${n},login${n},pop.example,team${n % 9},"pw, ${n}"\r\n`)
    const start = performance.now()
    expect(fromTable(header + rows.join('')).accounts).toHaveLength(1000)
    expect(performance.now() - start).toBeLessThan(5000)
  })
})

describe('what is wrong with a table is told by file, line and column', () => {
  const secretPlace = `"${canary}`
  test.each<[string, string | Uint8Array, readonly string[]]>([
    ['no rows', header, ['1:1: column "name": expected at least one row below the header']],
    ['nothing', '', ['1:1: expected a header row that names the columns; one of them must be `name`']],
    [
      'no header, but an account with its secret',
      `alice,${canary}\n`,
      ['1:1: expected a header row that names the columns; one of them must be `name`'],
    ],
    [
      'another case',
      'Name,pw\n',
      ['1:1: expected a header row that names the columns; one of them must be `name`; did you mean `name`?'],
    ],
    [
      'semicolons',
      'name;login\na;b\n',
      [
        '1:1: expected a header row that names the columns; one of them must be `name`; the fields of this table are not separated by commas: save it anew with commas',
      ],
    ],
    [
      'UTF-16',
      new Uint8Array([0xff, 0xfe, 0x61, 0]),
      [expect.stringContaining('1:1: expected UTF-8 text; this looks')],
    ],
    [
      'Latin-1',
      new Uint8Array([0x61, 0x0a, 0xe4, 0x0a]),
      [expect.stringContaining('2:1: expected UTF-8 text; this line')],
    ],
    [
      'a quote that is not closed',
      `${header}a,b,c,d,e\r\n\r\na2,b,c,d,${secretPlace}\r\nx,y\r\n`,
      ['4:5: the quote that opens in this row is not closed'],
    ],
    [
      'text behind a quote, below a field of two lines',
      `${header}a,"b\r\nb",c,d,e\r\na2,b,c,d,${secretPlace}"x\r\n`,
      ['4:5: expected a comma behind the closing quote; a quote inside a field is written twice'],
    ],
    [
      'a quote inside a field',
      `${header}a,b,c,d,e${secretPlace}\r\n`,
      ['2:5: a field with a quote in it must be quoted as a whole, and its own quotes written twice'],
    ],
    [
      'too few and too many fields',
      `${header}a,b,c,d\r\nb,c,d,e,${canary},f\r\n`,
      [
        '2:1: column "name": expected 5 fields in this row, as many as in the header; found 4',
        '2:5: column "pw": expected a secret: this field is empty',
        '3:1: column "name": expected 5 fields in this row, as many as in the header; found 6; a field with a comma in it must be quoted',
      ],
    ],
    [
      'odd column names',
      'name,login,server,team,pw, pw,pw,,a{b\nalice,b,c,d,e,f,g,h,i\n',
      [
        '1:6: expected a column name without blanks around it',
        '1:7: expected another column name: it stands here twice',
        '1:8: expected a name for this column',
        '1:9: expected a column name without braces and control characters',
      ],
    ],
    [
      'names and maildrops that appear twice',
      `${header}a,b,c,d,e\r\na,b2,c,d,e\r\nc,b,c,d,e\r\n`,
      [
        '3:1: column "name": expected another name: it is the same as that of line 2',
        '4:1: column "name": expected another maildrop: it is the same host and user as that of line 2',
      ],
    ],
    [
      'values that cannot stand where they go',
      `${header}../a,b,c,d,${canary}\r\nb,"b\nb",x y,.d,"${canary}\r\n"\r\n,c,c,d,e\r\nd,b2,c,"a\\b",e\r\n`,
      [
        '2:1: column "name": the value of {account} cannot stand here: it contains a slash or backslash (in the template at line 6 of /plans/migrate.yaml)',
        '3:2: column "login": expected text without line breaks and other control characters',
        '3:3: column "server": expected a host name without blanks',
        '3:4: column "team": the value of {team} cannot stand here: it begins with a dot (in the template at line 6 of /plans/migrate.yaml)',
        '3:5: column "pw": expected a secret of one line: it has more than one line',
        '6:1: column "name": expected a name for this account',
        '7:4: column "team": the value of {team} cannot stand here: it contains a slash or backslash (in the template at line 6 of /plans/migrate.yaml)',
      ],
    ],
  ])('%s', (_, table, expected) => {
    const found = wrongTable(table)
    expect(found.join('\n')).not.toContain('hunter2')
    expect(found.map((line) => line.replace(/^\/plans\/users\.csv:/, ''))).toEqual(expected)
  })

  test('a row without a name has no path to complain of twice', () => {
    expect(wrongTable(`${header},b,c,d,e\n`)).toEqual([
      '/plans/users.csv:2:1: column "name": expected a name for this account',
    ])
  })

  test('more than 16 MB', () => {
    expect(wrongTable(new Uint8Array(16 * 1024 * 1024 + 1))).toEqual([
      '/plans/users.csv:1:1: expected a table of at most 16 MB',
    ])
  })
})

describe('what is wrong with the plan is told once, not for each row', () => {
  const table = `${header}alice,a,pop.example,d,${canary}\r\nbob,b,pop.example,d,${canary}\r\n`

  test.each<[string, string, string, readonly string[]]>([
    ['a missing key', "user: '{login}@old.example', ", '', ['2:15: `user` is missing: expected text']],
    [
      'an unknown placeholder',
      '{team}',
      '{teem}',
      [
        '6:30: unknown placeholder; expected {account}, {user}, {host}, {name}, {login}, {server}, {team}, {pw}, {date} or {run}; did you mean `team`?',
      ],
    ],
    [
      'an unknown column',
      'column: pw',
      'column: pv',
      ['4:70: expected a column of the table: name, login, server, team or pw; did you mean `pw`?'],
    ],
    [
      'a template without quotes',
      "'{server}'",
      '{server}',
      ['4:19: expected text; quote it: text that starts with { must be quoted'],
    ],
    ['a secret as a template', '{ column: pw }', "'{pw}'", ['4:70: a secret is no template; write { column: … }']],
    [
      'a secret as a template without quotes',
      '{ column: pw }',
      '{pw}',
      [
        '4:70: expected { env: NAME }, { file: PATH }, { command: … }, { column: NAME }, { prompt: true } or a quoted string',
      ],
    ],
    [
      'a secret in a path',
      '{team}',
      '{pw}',
      ['6:30: a column that holds a secret cannot be filled in here: it would show'],
    ],
    ['no such file', 'users.csv', 'user.csv', ['2:22: expected a table in this file: it cannot be read (ENOENT)']],
    ['a path of the shell', 'users.csv', '~/users.csv', [expect.stringContaining('2:22: expected a path without ~')]],
    ['another form', '{ csv: users.csv }', 'users.csv', ['2:15: expected a map']],
  ])('%s', (_, from, to, expected) => {
    const found = wrongTable(table, defaults.replace(from, to))
    expect(found.join('\n')).not.toContain('hunter2')
    expect(found).toEqual(expected)
  })

  test('a column that is called like a placeholder, where the plan uses it', () => {
    const dated = table.replace('team', 'date')
    const plan = defaults.replace('{team}', 'x')
    expect(fromTable(dated, plan).accounts).toHaveLength(2)
    expect(wrongTable(dated, defaults.replace('{team}', '{date}'))).toEqual([
      '6:30: {date} is also a column of the table: call the column otherwise (it cannot be account, date or run)',
    ])
  })

  test('a column outside of a table', () => {
    const own = `accounts:\n  - source: { host: h, user: u, password: { column: pw } }\n    targets: [{ type: mbox, path: x }]\n`
    expect(wrongTable(table, defaults + own)).toEqual(['8:43: only accounts of a table (`accountsFrom`) have columns'])
  })

  test('neither accounts nor a table', () => {
    expect(load('version: 1\n')).toEqual(['1:1: `accounts` is missing: expected a list'])
  })
})

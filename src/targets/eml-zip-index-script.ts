/**
 * What makes the list of `index.html` sort and search. The rows stay as they are in the page; they are only put into
 * another order, a hundred to a group, and those that do not match are left out of it. It makes no markup from text.
 */
export const indexScript = `'use strict'
{
  const groupSize = 100
  const table = document.querySelector('table')
  const rows = Array.from(table.tBodies).flatMap((body) => Array.from(body.rows))
  const heads = Array.from(document.querySelectorAll('th'))
  const search = document.querySelector('search')
  const [output, input] = search.children
  const none = document.getElementById('none')
  const text = (row, column) => row.cells[column].textContent
  const keyOf = {
    date: (row) => row.querySelector('time')?.dateTime ?? '',
    size: (row) => Number(row.querySelector('data').value),
  }
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })
  const orders = {
    date: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
    size: (a, b) => a - b,
  }
  const number = new Intl.NumberFormat('en')
  const fold = (words) => words.normalize('NFKC').toLowerCase()
  let sorted = rows
  let texts

  const show = () => {
    const words = fold(input.value).split(/\\s+/).filter((word) => word !== '')
    texts ??= words.length > 0 ? new Map(rows.map((row) => [row, fold(row.textContent)])) : undefined
    const found = words.length === 0 ? sorted : sorted.filter((row) => words.every((word) => texts.get(row).includes(word)))
    // Rows move faster while nobody sees them.
    for (const body of Array.from(table.tBodies)) body.remove()
    const groups = []
    for (let at = 0; at < found.length; at += groupSize) {
      const group = document.createElement('tbody')
      const members = found.slice(at, at + groupSize)
      group.style.setProperty('--rows', members.length)
      group.append(...members)
      groups.push(group)
    }
    table.append(...groups)
    none.hidden = found.length > 0
    output.value = words.length === 0 ? '' : number.format(found.length) + ' of ' + number.format(rows.length)
  }

  const sort = (head) => {
    const { key } = head.dataset
    const numeric = key === 'date' || key === 'size'
    const before = head.getAttribute('aria-sort')
    const descending = before === null ? numeric : before === 'ascending'
    for (const other of heads) other.removeAttribute('aria-sort')
    head.setAttribute('aria-sort', descending ? 'descending' : 'ascending')
    const read = keyOf[key] ?? ((row) => text(row, head.cellIndex))
    const compare = orders[key] ?? collator.compare
    const pairs = rows.map((row) => [read(row), row])
    // What has no value comes last, whichever way.
    const rank = (value) => (value === '' ? 1 : 0)
    pairs.sort(([a], [b]) => rank(a) - rank(b) || (descending ? compare(b, a) : compare(a, b)))
    sorted = pairs.map(([, row]) => row)
    show()
    scrollTo(0, 0)
  }

  for (const head of heads) {
    const button = document.createElement('button')
    button.append(...head.childNodes)
    button.addEventListener('click', () => sort(head))
    head.append(button)
  }
  search.hidden = false
  input.addEventListener('input', () => {
    show()
    scrollTo(0, 0)
  })
  addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.target === input || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    input.focus()
  })
  // What is cut off is shown to a pointer that rests on it.
  table.addEventListener('pointerover', ({ target }) => {
    const cell = target.closest('td')
    if (cell && cell.title === '' && cell.scrollWidth > cell.clientWidth) cell.title = cell.textContent
  })
  // The heads of the columns stay below the page's.
  const header = document.querySelector('header')
  new ResizeObserver(() => {
    table.style.setProperty('--top', header.offsetHeight + 'px')
  }).observe(header)
  if (input.value !== '') show()
}
`

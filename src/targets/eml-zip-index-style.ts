/** The look of `index.html`, above the theme of all pages. */
export const indexStyle = `
body { --row: 2.35rem; --columns: 10.8rem minmax(8rem, 1.4fr) minmax(6rem, 1fr) minmax(12rem, 2.6fr) 5.2rem minmax(8rem, 1.3fr); }
header { position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; align-items: center; gap: .1rem 1rem;
  padding: .75rem 1.25rem; background: var(--sheet); border-bottom: 1px solid var(--line); }
h1 { margin: 0; font-size: 1.15rem; font-weight: 650; unicode-bidi: plaintext; overflow-wrap: anywhere; }
header p { margin: 0; color: var(--quiet); }
header span { white-space: nowrap; }
search { display: flex; align-items: center; gap: .75rem; margin-left: auto; flex: 1 1 20rem; }
search[hidden] { display: none; }
input { flex: 0 1 20rem; min-width: 0; padding: .45rem .75rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--page); color: inherit; font: inherit; }
input::placeholder { color: var(--quiet); }
output { flex: 1 0 auto; color: var(--quiet); font-size: .87rem; white-space: nowrap; text-align: right; }
main { padding: 0 1.25rem; }
table { display: block; margin: 1rem 0; background: var(--sheet); border: 1px solid var(--line); border-radius: .6rem;
  overflow: clip; }
thead { display: block; position: sticky; top: var(--top, 0); z-index: 1; background: var(--sheet);
  border-bottom: 1px solid var(--line); }
tbody { display: block; content-visibility: auto; contain-intrinsic-block-size: auto calc(var(--rows, 100) * var(--row)); }
tr { display: grid; grid-template-columns: var(--columns); align-items: center; }
tbody tr { height: var(--row); border-bottom: 1px solid var(--line); }
tbody:last-of-type tr:last-child { border-bottom: 0; }
tbody tr:hover { background: var(--tint); }
th, td { padding: 0 .6rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; text-align: left; }
th:first-child, td:first-child { padding-left: 1rem; }
th { padding-block: .5rem; color: var(--quiet); font-size: .82rem; font-weight: 600; }
td { unicode-bidi: plaintext; }
td:nth-child(1) { font-variant-numeric: tabular-nums; }
td i { color: var(--quiet); font-style: normal; }
td:nth-child(2) i, td:nth-child(3) i, td:nth-child(6) i { font-size: .87rem; }
td:nth-child(3), td:nth-child(5) { color: var(--quiet); }
th:nth-child(5), td:nth-child(5) { text-align: right; font-variant-numeric: tabular-nums; unicode-bidi: normal; }
td a { color: inherit; font-weight: 600; text-decoration: none; }
td a:hover { color: var(--accent); text-decoration: underline; }
td b { display: inline-block; max-width: 14rem; padding: .05rem .5rem; border-radius: 1rem; background: var(--chip);
  font-size: .82rem; font-weight: 400; overflow: hidden; text-overflow: ellipsis; vertical-align: middle;
  unicode-bidi: plaintext; }
th button { all: unset; cursor: pointer; border-radius: .25rem; }
th button:hover { color: var(--text); }
th button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
th[aria-sort] { color: var(--text); }
th[aria-sort] button::after { content: ' \\2193'; }
th[aria-sort=ascending] button::after { content: ' \\2191'; }
#none { padding: 2rem; color: var(--quiet); text-align: center; }
footer { padding: 0 1.25rem 1.25rem; color: var(--quiet); font-size: .87rem; }
@media (max-width: 52rem) {
  body { --row: 6.2rem; }
  header { padding: .6rem 1rem; }
  search { flex: 1 0 100%; margin-top: .5rem; }
  output:empty { display: none; }
  input { flex: 1; }
  output { order: 1; flex: none; }
  main { padding: 0; }
  table { margin: 0; border-width: 0 0 1px; border-radius: 0; }
  thead tr { display: flex; gap: .25rem; padding: 0 .6rem; overflow-x: auto; scrollbar-width: none; }
  th, th:first-child { flex: none; padding: .5rem .4rem; }
  tbody tr { height: auto; padding: .65rem 1rem; grid-template-columns: minmax(0, 1fr) auto; gap: .05rem .75rem;
    grid-template-areas: 'from date' 'subject subject' 'to size' 'files files'; }
  td, td:first-child { padding: 0; }
  td:nth-child(1) { grid-area: date; color: var(--quiet); font-size: .87rem; }
  td:nth-child(2) { grid-area: from; }
  td:nth-child(3) { grid-area: to; font-size: .87rem; }
  td:nth-child(3):not(:empty)::before { content: 'to '; }
  td:nth-child(4) { grid-area: subject; white-space: normal; display: -webkit-box; -webkit-box-orient: vertical;
    -webkit-line-clamp: 2; }
  td:nth-child(5) { grid-area: size; font-size: .87rem; }
  td:nth-child(6) { grid-area: files; white-space: normal; }
  td:empty { display: none; }
  td b { max-width: 100%; margin-top: .25rem; }
  footer { padding: 1rem; }
}
@media print {
  header, thead { position: static; }
  search { display: none; }
  tbody { content-visibility: visible; }
}
`

/** The look of a report, above the theme of all pages. */
export const reportStyle = `
:root { --good: #18794e; --bad: #c02d2d; --open: #9a6200; }
@media (prefers-color-scheme: dark) { :root { --good: #5bd79b; --bad: #ff8a80; --open: #f2b84b; } }
body { padding: 0 1.25rem 3rem; }
header, main, footer { max-width: 68rem; margin: 0 auto; }
header { padding: 1.75rem 0 1rem; }
header p { margin: 0; color: var(--quiet); }
h1 { margin: .1rem 0; font-size: 1.6rem; font-weight: 650; overflow-wrap: anywhere; }
h2 { margin: 2.25rem 0 .75rem; font-size: 1.15rem; font-weight: 650; }
h3 { margin: 0; font-size: 1rem; font-weight: 650; overflow-wrap: anywhere; }
bdi { overflow-wrap: anywhere; }
.verdict { padding: 1.1rem 1.4rem; background: var(--sheet); border: 1px solid var(--line); border-left: .4rem solid var(--tone);
  border-radius: .6rem; }
.verdict strong { display: block; color: var(--tone); font-size: 1.45rem; font-weight: 650; line-height: 1.25; }
.verdict p { margin: .35rem 0 0; }
.complete { --tone: var(--good); }
.missing { --tone: var(--bad); }
.unknown { --tone: var(--open); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1rem 0 0; }
.tiles div { padding: .8rem 1rem; background: var(--sheet); border: 1px solid var(--line); border-radius: .6rem; }
dt { color: var(--quiet); font-size: .85rem; }
dd { margin: 0; font-size: 1.3rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: .75rem; margin-top: .75rem; }
figure { margin: 0; padding: .9rem 1rem .7rem; background: var(--sheet); border: 1px solid var(--line); border-radius: .6rem; }
figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; margin-bottom: .5rem; font-weight: 600; }
figcaption small, figure > p { color: var(--quiet); font-size: .82rem; font-weight: 400; }
figure > p { margin: .4rem 0 0; }
svg { display: block; width: 100%; height: 8.5rem; border-bottom: 1px solid var(--line); }
rect { fill: var(--accent); }
.ticks { display: flex; margin: .25rem 0 0; padding: 0; list-style: none; color: var(--quiet); font-size: .75rem;
  font-variant-numeric: tabular-nums; }
.ticks li { flex: 1 1 0; min-width: 0; display: flex; justify-content: center; white-space: nowrap; }
.ends { justify-content: space-between; }
.ends li { flex: none; }
.sheet { overflow-x: auto; background: var(--sheet); border: 1px solid var(--line); border-radius: .6rem; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th, td { padding: .4rem .7rem; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { border-top: 0; color: var(--quiet); font-size: .8rem; font-weight: 600; white-space: nowrap; }
tfoot td, tfoot th { border-top-width: 2px; font-weight: 600; }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.zero { color: var(--quiet); }
.alarm { color: var(--bad); font-weight: 600; }
.chip { display: inline-block; padding: 0 .55rem; border: 1px solid var(--tone); border-radius: 1rem; color: var(--tone);
  font-size: .78rem; font-weight: 600; white-space: nowrap; }
code { font: .82rem/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.account { margin: .75rem 0; padding: 1rem 1.1rem; background: var(--sheet); border: 1px solid var(--line); border-radius: .6rem; }
.account .sheet { margin-top: .7rem; border-radius: .4rem; }
.account p, .account ul { margin: .4rem 0 0; }
.account ul { padding-left: 1.2rem; }
.quiet, footer { color: var(--quiet); font-size: .87rem; }
.list h3 { margin: 1.25rem 0 .5rem; }
.list table, .list thead, .list tbody { display: block; }
.list tbody { content-visibility: auto; contain-intrinsic-block-size: auto calc(100 * 3.2rem); }
.list tr { display: grid; grid-template-columns: minmax(7rem, 13rem) minmax(7rem, 1fr) 5.5rem minmax(14rem, 2.2fr); }
.list td { min-width: 0; overflow-wrap: anywhere; unicode-bidi: plaintext; }
.list td:first-child { font: .82rem/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.list :is(td, th):nth-child(3) { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.volumes td:first-child { min-width: 13rem; }
.volumes td:last-child code { font-size: .76rem; }
@media screen and (max-width: 52rem) {
  .sheet table { min-width: 44rem; }
}
footer { margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
footer p { margin: .3rem 0; }
@media print {
  :root { color-scheme: light; --page: #fff; --sheet: #fff; --line: #ccc; --text: #000; --quiet: #444; --accent: #0b5cad;
    --tint: #fff; --chip: #fff; --good: #18794e; --bad: #c02d2d; --open: #9a6200; font-size: 10pt; }
  body { padding: 0; }
  header, main, footer { max-width: none; }
  a { color: inherit; text-decoration: none; }
  .sheet { overflow: visible; }
  rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .verdict, figure, .tiles div, tr { break-inside: avoid; }
  h2, h3, thead { break-after: avoid; }
  .list tbody { content-visibility: visible; }
  th, td { padding: .25rem .4rem; }
}
`

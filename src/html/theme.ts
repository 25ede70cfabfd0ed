/** Colours and type of every page that the program writes, light and dark as the reader's system is. */
export const theme = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --sheet: #fff; --line: #e3e6eb; --text: #1b2430; --quiet: #5b6675; --accent: #0b5cad;
  --tint: #eaf2fb; --chip: #eef0f4;
  font: 15px/1.45 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --sheet: #1a2029; --line: #2b3441; --text: #e4e9f0; --quiet: #98a4b3; --accent: #7db8f5;
    --tint: #202c3b; --chip: #27303c;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
`

"""The style of a page: light or dark as the reader's system says, from 360 pixels to a wide screen."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --raised: #f6f7f9; --line: #d9dde3; --text: #1c2128; --dim: #59636e;
  --link: #0a58ca; --good: #17692f; --good-back: #e2f3e6; --bad: #b02a1f; --bad-back: #fbe7e4;
  --warn: #7d5300; --warn-back: #fbf0d6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --raised: #1d2228; --line: #343b44; --text: #e4e8ec; --dim: #9aa5b1;
    --link: #7db4ff; --good: #7fd694; --good-back: #16331f; --bad: #ff9d92; --bad-back: #43201d;
    --warn: #eac36c; --warn-back: #3a2e12;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  -webkit-text-size-adjust: 100%; overflow-wrap: anywhere;
}
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.5rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .4rem; }
p { margin: .25rem 0 .75rem; }
a { color: var(--link); }
code, .tree, .expected, .got {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: .875em;
}
.lead, .note, footer { color: var(--dim); }
.note { font-size: .9rem; }
.inside .note { margin-top: .75rem; }
section { margin-top: 2.25rem; padding-top: 1.5rem; border-top: 1px solid var(--line); }
.figures {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .75rem;
  margin: 1.5rem 0 0;
}
.figures div {
  background: var(--raised); border: 1px solid var(--line); border-radius: .5rem;
  padding: .6rem .8rem;
}
.figures dt { color: var(--dim); font-size: .85rem; }
.figures dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.chip {
  display: inline-block; border: 1px solid var(--line); border-radius: 1rem;
  padding: .02rem .6rem; margin: .1rem .3rem .1rem 0; font-size: .85rem;
  background: var(--raised);
}
.chip.good { color: var(--good); background: var(--good-back); border-color: transparent; }
.chip.bad { color: var(--bad); background: var(--bad-back); border-color: transparent; }
.chip.warn { color: var(--warn); background: var(--warn-back); border-color: transparent; }
table { width: 100%; border-collapse: collapse; margin: 0 0 1rem; }
th, td {
  text-align: left; vertical-align: top; padding: .4rem 1.25rem .4rem 0;
  border-bottom: 1px solid var(--line);
}
th {
  color: var(--dim); font-size: .85rem; font-weight: 500; white-space: nowrap;
  overflow-wrap: normal;
}
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.text { min-width: 6rem; }
td.text:first-child { min-width: 10rem; }
th:last-child, td:last-child { padding-right: 0; }
details {
  border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; background: var(--raised);
}
summary { cursor: pointer; padding: .5rem .75rem; }
.call { display: block; }
.when { color: var(--dim); font-size: .85rem; margin-right: .5rem; }
details > .inside { padding: 0 .75rem .5rem; border-top: 1px solid var(--line); }
.tree, .tree ul { list-style: none; margin: 0; padding: 0; }
.tree ul { margin-left: .4rem; padding-left: .9rem; border-left: 1px solid var(--line); }
.tree li { padding: .1rem 0; }
.label { color: var(--link); }
.dim { color: var(--dim); }
.warn { color: var(--warn); }
.expected { color: var(--bad); }
.got { color: var(--good); }
footer { margin-top: 3rem; font-size: .85rem; }
@media (max-width: 54rem) {
  main { padding: 1.25rem 1rem 3rem; }
  table, tbody, tr, td { display: block; width: auto; }
  thead { display: none; }
  tr { border-bottom: 1px solid var(--line); padding: .5rem 0; }
  td, td.number {
    display: grid; grid-template-columns: 7rem minmax(0, 1fr); border: 0; padding: .1rem 0;
    min-width: 0; text-align: left; white-space: normal;
  }
  td:empty { display: none; }
  td::before { content: attr(data-title); color: var(--dim); font-size: .8rem; }
  td:first-child { display: block; }
  td:first-child::before { display: none; }
}
@media print {
  section, details { break-inside: avoid; }
}
"""

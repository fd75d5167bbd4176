/** The page's looks: light and dark by the reader's setting, legible on a narrow screen and on paper. */
export const style = `
:root { color-scheme: light dark; --ink: #1b1b1f; --soft: #5a5a66; --paper: #fff; --line: #d8d8e0; --block: #f4f4f8; --right: #146c2e; --wrong: #a32020; --a: #2a6fbb; --b: #b8600b; --c: #2b8a5a; --d: #8a4fb5; --e: #7a7a1a; --f: #b03a6a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8ee; --soft: #a6a6b4; --paper: #16161a; --line: #3a3a44; --block: #202027; --right: #6fcf8a; --wrong: #ff8f8f; --a: #6aa9ee; --b: #eda04f; --c: #63c594; --d: #c08fe8; --e: #c9c95a; --f: #ee86b0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 75rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1, h2, h3 { line-height: 1.25; } h2 { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .75rem 0; } caption { text-align: left; color: var(--soft); padding-bottom: .25rem; }
th, td { padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
tr.category th { padding-left: 1.5rem; font-weight: normal; color: var(--soft); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .25rem 0; padding: .5rem; background: var(--block); border-radius: .25rem; font: .875rem/1.45 ui-monospace, monospace; max-height: 20rem; overflow-y: auto; }
.soft { color: var(--soft); } .right { color: var(--right); } .wrong { color: var(--wrong); }
.bars rect { fill-opacity: .7; } .bars { max-width: 100%; height: auto; display: block; margin: .5rem 0 1rem; font-size: 12px; } .bars text { fill: var(--ink); } .bars .number { fill: var(--soft); }
.axis, .grid { stroke: var(--line); } .axis { stroke: var(--soft); } .interval { stroke: var(--ink); stroke-width: 1.5; }
.run0 { fill: var(--a); } .run1 { fill: var(--b); } .run2 { fill: var(--c); } .run3 { fill: var(--d); } .run4 { fill: var(--e); } .run5 { fill: var(--f); }
.key { display: inline-block; width: .75rem; height: .75rem; margin-right: .35rem; }
.filter { position: sticky; top: 0; background: var(--paper); padding: .5rem 0; border-bottom: 1px solid var(--line); display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; z-index: 1; } .filter[hidden] { display: none; }
select, input { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--soft); border-radius: .25rem; padding: .2rem .4rem; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem; margin: 1rem 0; } article[hidden] { display: none; } article h3 { margin: 0 0 .5rem; font-size: 1rem; }
img { max-width: 100%; height: auto; display: block; } figure { margin: .5rem 0; } figcaption { font-size: .875rem; color: var(--soft); overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0; } dt { color: var(--soft); } dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) { .filter { position: static; } }
:focus-visible { outline: 2px solid var(--a); outline-offset: 2px; }
@media print { .filter { display: none; } pre { max-height: none; } article { break-inside: avoid; } }
`;

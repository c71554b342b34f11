/** The style of report pages: light and dark as the reader's system is, wide tables scroll by themselves. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1c1f24; --paper: #fbfbf9; --card: #fff; --line: #d9d9d3; --soft: #5d636d; --good: #1b7a4f; --bad: #b3401a; --link: #2558b8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e4; --paper: #17191c; --card: #1e2125; --line: #383c42; --soft: #a4aab4; --good: #5fcb97; --bad: #f0916c; --link: #8db4ff; } }
* { box-sizing: border-box; }
body { margin: 0; padding: clamp(1rem, 3vw, 2rem) clamp(.9rem, 3vw, 3rem) 4rem; color: var(--ink); background: var(--paper); font: 16px/1.55 system-ui, sans-serif; }
a { color: var(--link); } h1 { font-size: 1.7rem; margin: 0 0 .3rem; text-wrap: balance; } h2 { font-size: 1.15rem; margin: 2.4rem 0 .5rem; } h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { max-width: 62rem; } .note { color: var(--soft); font-size: .88rem; margin: .2rem 0 .6rem; }
nav { margin: 1.2rem 0 0; padding: .7rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; font-size: .9rem; }
nav ol { margin: 0; padding: 0; list-style: none; columns: 17rem; column-gap: 2rem; } nav li { break-inside: avoid; padding: .1rem 0; }
figure { margin: 1rem 0; min-width: 0; } figure svg { display: block; max-width: 100%; height: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
figcaption { color: var(--soft); font-size: .86rem; margin-top: .3rem; } figcaption b { color: var(--ink); font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(28rem, 100%), 1fr)); gap: 0 1.2rem; align-items: start; } .charts svg { width: 100%; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(19rem, 100%), 1fr)); gap: .2rem 1.2rem; }
img { max-width: 100%; image-rendering: pixelated; border: 1px solid var(--line); border-radius: 6px; background: #fff; } .gallery img { width: 100%; }
.images img { display: block; max-width: none; } .images td, .images th { padding: .25rem .5rem .25rem 0; border: 0; vertical-align: middle; } .images th { white-space: nowrap; } .images tbody th { min-width: 5rem; position: sticky; left: 0; background: var(--paper); }
.values { position: absolute; z-index: 2; pointer-events: none; padding: .4rem .6rem; color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: 6px; box-shadow: 0 2px 8px #0003; font-size: .8rem; line-height: 1.4; font-variant-numeric: tabular-nums; max-width: 20rem; }
.values i { display: inline-block; width: .6rem; height: .6rem; margin-right: .4rem; border-radius: 50%; }
figure svg:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.wide { overflow-x: auto; } .wide:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .9rem; } caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { text-align: left; padding: .32rem .8rem .32rem 0; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; vertical-align: top; }
thead th { white-space: nowrap; border-bottom-width: 2px; } tbody th { font-weight: 500; min-width: 11rem; } tbody tr:hover { background: color-mix(in srgb, var(--line) 30%, transparent); }
td { white-space: nowrap; } td.long { white-space: normal; min-width: 16rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .strong, .strong th { font-weight: 700; } .soft { color: var(--soft); }
pre { overflow-x: auto; padding: .8rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; font: .85rem/1.5 ui-monospace, monospace; }
details { margin: .8rem 0; padding: .5rem 1rem; border: 1px solid var(--line); border-radius: 8px; } summary { cursor: pointer; font-weight: 600; }
@media (max-width: 40rem) { figure { overflow-x: auto; } figure svg, .charts svg { width: auto; max-width: none; min-width: 34rem; } }
@media print { nav { display: none; } details { border: 0; padding: 0; } }
`;

/** How the page of the API looks. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --link: light-dark(#0b57b7, #8ab8ff); }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; display: grid; grid-template-columns: 21rem minmax(0, 60rem); }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1rem; border-right: 1px solid var(--line); }
nav h2 { font-size: .8rem; text-transform: uppercase; letter-spacing: .05em; margin: 1rem 0 .25rem; opacity: .7; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: flex; align-items: baseline; gap: .4em; overflow-wrap: anywhere; padding: .1rem 0; }
main { padding: 1rem 2rem 4rem; }
section { border-top: 1px solid var(--line); padding: 1rem 0; scroll-margin-top: 1rem; }
h1 { margin: .5rem 0; }
h2 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
h3 { font-size: .95rem; margin: 1rem 0 .25rem; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; overflow-wrap: anywhere; }
th:nth-child(1) { width: 23%; }
th:nth-child(2) { width: 30%; }
th:nth-child(3) { width: 10%; }
tr { border-bottom: 1px solid var(--line); }
code { font: .9em ui-monospace, monospace; background: var(--soft); padding: .05em .3em; border-radius: .25em; }
.method { display: inline-block; min-width: 4.2em; flex: none; text-transform: uppercase; font: bold .75em ui-monospace, monospace; }
@media (max-width: 66rem) { body { display: block; } nav { position: static; height: auto; border: 0; } main { padding: 1rem; } }
@media (max-width: 40rem) {
  thead { display: none; }
  table, tbody, tr, td { display: block; }
  tr { padding: .4rem 0; }
  td { padding: 0; }
  td:nth-child(2), td:nth-child(3) { display: inline; margin-right: .6em; }
  td:nth-child(3) { opacity: .7; }
}
`;

import { componentSchemas, type JsonSchema } from "./json_schema.ts";
import {
  type Answer,
  type DescribedRoute,
  openApiDocument,
  type Operation,
  operationsOf,
  type Parameter,
  type PlacedOperation,
} from "./openapi.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that is HTML already. */
export class Html {
  /** @param text The markup. */
  constructor(readonly text: string) {}
}

/** What may stand in {@linkcode markup}: text, which is escaped, and HTML, which is not. */
export type HtmlValue = string | number | Html | readonly Html[];

/** Writes HTML, with every value escaped that is not HTML already. */
export function markup(
  strings: TemplateStringsArray,
  ...values: readonly HtmlValue[]
): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(write)));
}

/** Writes text in which backquotes stand around code. */
export function prose(text: string): Html {
  return new Html(
    escape(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>"),
  );
}

function write(value: HtmlValue): string {
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(({ text }) => text).join("");
  return escape(String(value));
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character]);
}

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

const REFERENCE = /^#\/components\/schemas\/(\w+)$/;

/** Names a schema, as a link to where it is shown. */
export function schemaLink(name: string): Html {
  return markup`<a href="#${name}">${name}</a>`;
}

/** Shows the properties of an object as a table. */
export function propertiesTable(schema: JsonSchema): Html {
  const { properties = {}, required = [] } = schema;
  const rows = Object.entries(properties).map(([name, property]) => {
    const { description = "" } = property as JsonSchema;
    const needed = required.includes(name) ? "required" : "";
    return markup`<tr><td><code>${name}</code></td><td>${
      typeOf(property as JsonSchema)
    }</td><td>${needed}</td><td>${prose(description)}</td></tr>
`;
  });
  return markup`<table>
<thead><tr><th>Field</th><th>Type</th><th></th><th>Meaning</th></tr></thead>
<tbody>
${rows}</tbody>
</table>
`;
}

/** Joins HTML with text between. */
export function join(parts: readonly Html[], separator: string): Html {
  return markup`${
    parts.flatMap((part, index) =>
      index === 0 ? part : [markup`${separator}`, part]
    )
  }`;
}

function typeOf(schema: JsonSchema): Html {
  const { $ref, anyOf, enum: values, items, properties } = schema;
  if ($ref !== undefined) return schemaLink(REFERENCE.exec($ref)?.[1] ?? $ref);
  if (schema.const !== undefined) return code(schema.const);
  if (values !== undefined) return join(values.map(code), ", ");
  if (anyOf !== undefined) {
    return join((anyOf as JsonSchema[]).map(typeOf), " or ");
  }
  if (items !== undefined) {
    return markup`list of ${typeOf(items as JsonSchema)}`;
  }
  if (properties !== undefined) {
    const members = Object.entries(properties).map(([name, member]) =>
      markup`${code(name)}: ${typeOf(member as JsonSchema)}`
    );
    return markup`{ ${join(members, ", ")} }`;
  }
  return markup`${schema.not === undefined ? inWords(schema) : "nothing"}`;
}

function code(value: unknown): Html {
  return markup`<code>${String(value)}</code>`;
}

function inWords({ maximum, minimum, type }: JsonSchema): string {
  const limits = [
    ...(minimum === undefined ? [] : [`from ${minimum}`]),
    ...(maximum === undefined ? [] : [`to ${maximum}`]),
  ];
  return [[type].flat().join(" or "), ...limits].join(" ");
}

/** Shows the API as a web page that needs nothing else. */
export function apiPage(routes: readonly DescribedRoute[]): string {
  const { info, tags } = openApiDocument(routes);
  const operations = operationsOf(routes);
  const schemas = Object.entries(componentSchemas());
  const shown = schemas.map(([name, schema]) =>
    markup`<section id="${name}">
<h2>${name}</h2>
${propertiesTable(schema)}</section>
`
  );
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title}: API</title>
<style>${new Html(PAGE_STYLE)}</style>
</head>
<body>
<nav>
${tags.map(({ name }) => navigation(name, operations))}
<h2>Schemas</h2>
<ul>${schemas.map(([name]) => markup`<li>${schemaLink(name)}</li>`)}</ul>
</nav>
<main>
<h1>${info.title} ${info.version}</h1>
<p>${info.summary}. ${prose(info.description)}
For programs: <a href="/openapi.json">openapi.json</a>.</p>
${operations.map(showOperation)}${shown}</main>
</body>
</html>
`.text;
}

function navigation(
  tag: string,
  operations: readonly PlacedOperation[],
): Html {
  const items = operations.filter((operation) => operation.tag === tag)
    .map(({ id, method, path }) =>
      markup`<li><a href="#${id}">${methodMark(method)} ${path}</a></li>`
    );
  return markup`<h2>${tag}</h2>
<ul>${items}</ul>
`;
}

function showOperation(operation: PlacedOperation): Html {
  const { answers, body, description = "", id, method, parameters, path } =
    operation;
  return markup`<section id="${id}">
<h2>${methodMark(method)} ${path}</h2>
<p>${prose(operation.summary)}. ${prose(description)}</p>
${parameters === undefined ? "" : showParameters(parameters)}${
    body === undefined ? "" : showBody(body)
  }<h3>Answers</h3>
${Object.entries(answers).map(showAnswer)}</section>
`;
}

function methodMark(method: string): Html {
  return markup`<span class="method">${method}</span>`;
}

function showParameters(parameters: readonly Parameter[]): Html {
  const rows = parameters.map(({ description, in: place, name, values = [] }) =>
    markup`<tr><td><code>${name}</code></td><td>${
      join(values.map((value) => markup`<code>${value}</code>`), ", ")
    }</td><td>${place}</td><td>${prose(description)}</td></tr>
`
  );
  return markup`<h3>Parameters</h3>
<table>
<thead><tr><th>Name</th><th>Values</th><th>In</th><th>Meaning</th></tr></thead>
<tbody>
${rows}</tbody>
</table>
`;
}

function showBody(body: NonNullable<Operation["body"]>): Html {
  const kinds = Object.entries(body).map(([type, name]) =>
    markup`<li>${schemaLink(name)} as <code>${type}</code></li>`
  );
  return markup`<h3>Body</h3>
<ul>${kinds}</ul>
`;
}

function showAnswer(
  [status, { content = {}, description }]: readonly [string, Answer],
): Html {
  const kinds = Object.entries(content).map(([type, names]) =>
    markup`<li><code>${type}</code> ${
      join(names.map((name) => schemaLink(name)), ", ")
    }</li>`
  );
  return markup`<p><b>${status}</b> ${prose(description)}</p>
<ul>${kinds}</ul>
`;
}

import { componentSchemas } from "./components.ts";
import { openApiDocument, OPERATIONS } from "./document.ts";
import { Html, markup, prose } from "./markup.ts";
import type { Answer, Operation, Parameter } from "./operation.ts";
import { PAGE_STYLE } from "./page_style.ts";
import { join, propertiesTable, schemaLink } from "./schema_markup.ts";

/** Shows the API as a web page that needs nothing else. */
export function apiPage(): string {
  const { info, tags } = openApiDocument();
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
${tags.map(({ name }) => navigation(name))}
<h2>Schemas</h2>
<ul>${schemas.map(([name]) => markup`<li>${schemaLink(name)}</li>`)}</ul>
</nav>
<main>
<h1>${info.title} ${info.version}</h1>
<p>${info.summary}. ${prose(info.description)}
For programs: <a href="/openapi.json">openapi.json</a>.</p>
${OPERATIONS.map(showOperation)}${shown}</main>
</body>
</html>
`.text;
}

function navigation(tag: string): Html {
  const items = OPERATIONS.filter((operation) => operation.tag === tag)
    .map(({ id, method, path }) =>
      markup`<li><a href="#${id}">${methodMark(method)} ${path}</a></li>`
    );
  return markup`<h2>${tag}</h2>
<ul>${items}</ul>
`;
}

function showOperation(operation: Operation): Html {
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

import type { JsonSchema } from "./json_schema.ts";
import { type Html, markup, prose } from "./markup.ts";

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

import { FIELDS } from "./fields.ts";

/** Writes the table of fields in Markdown, as the README shows it. */
export function fieldsTable(): string {
  const rows = Object.entries(FIELDS).map(([name, { note, treatment }]) =>
    `| \`${name}\` | ${treatment} | ${note} |`
  );
  return ["| field | treatment | particulars |", "| --- | --- | --- |", ...rows]
    .join("\n");
}

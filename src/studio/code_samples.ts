/** The form as a program: this is an API. */
import type { Draft } from "./draft.ts";
import { fieldsOf } from "./draft.ts";
import { fileName, splitReferences } from "./references.ts";

export const LANGUAGES = ["curl", "JavaScript", "Python"] as const;

/** A language that {@linkcode codeOf} writes. */
export type Language = typeof LANGUAGES[number];

/** What the program is for. */
export interface CodeOptions {
  /** The address of the server. */
  readonly base: string;
  /** Whether the server wants a key. */
  readonly keyNeeded: boolean;
}

/** Writes a program that asks for what the form asks for; references are ids or files beside it. */
export function codeOf(
  language: Language,
  draft: Draft,
  options: CodeOptions,
): string {
  const { named, sent } = splitReferences(draft.references);
  const files = sent.map(({ label, type }) => fileName(label, type));
  const fields = {
    ...fieldsOf(draft),
    ...(named.length > 0 && {
      references: files.length === 0 ? named : JSON.stringify(named),
    }),
  };
  const input = { ...options, fields, files };
  if (language === "curl") return curl(input);
  return language === "JavaScript" ? javaScript(input) : python(input);
}

interface Input extends CodeOptions {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly files: readonly string[];
}

function curl({ base, fields, files, keyNeeded }: Input): string {
  const lines = [`curl -s ${base}/v1/images/generate`];
  if (keyNeeded) lines.push(`-H "X-API-Key: $KEY"`);
  if (files.length === 0) {
    lines.push(`-H 'content-type: application/json'`);
    lines.push(`-d ${shellQuote(JSON.stringify(fields))}`);
  } else {
    for (const [name, value] of Object.entries(fields)) {
      lines.push(`--form-string ${shellQuote(`${name}=${value}`)}`);
    }
    for (const file of files) {
      lines.push(
        `-F ${shellQuote(`reference=@"${file.replaceAll('"', "_")}"`)}`,
      );
    }
  }
  return lines.join(" \\\n  ");
}

function javaScript({ base, fields, files, keyNeeded }: Input): string {
  const headers = [
    ...(files.length === 0 ? [`"content-type": "application/json"`] : []),
    ...(keyNeeded ? [`"x-api-key": process.env.KEY`] : []),
  ];
  const sent = headers.length === 0
    ? ""
    : `\n  headers: { ${headers.join(", ")} },`;
  const call = (body: string) =>
    `const response = await fetch("${base}/v1/images/generate", {
  method: "POST",${sent}
  body${body === "body" ? "" : `: ${body}`},
});
const { data } = await response.json();
console.log(data.map((image) => image.path));`;
  if (files.length === 0) {
    const json = JSON.stringify(fields, null, 2).replaceAll("\n", "\n  ");
    return call(`JSON.stringify(${json})`);
  }
  const parts = Object.entries(fields).map(([name, value]) =>
    `body.append(${JSON.stringify(name)}, ${JSON.stringify(`${value}`)});`
  );
  const opened = files.map((file) => {
    const name = JSON.stringify(file);
    return `body.append("reference", await openAsBlob(${name}), ${name});`;
  });
  return `import { openAsBlob } from "node:fs";

const body = new FormData();
${[...parts, ...opened].join("\n")}
${call("body")}`;
}

function python({ base, fields, files, keyNeeded }: Input): string {
  const rows = Object.entries(fields).map(([name, value]) =>
    `    ${JSON.stringify(name)}: ${JSON.stringify(value)},`
  );
  const opened = files.map((file) =>
    `    ("reference", open(${JSON.stringify(file)}, "rb")),`
  );
  const kind = files.length === 0 ? "json" : "data";
  return [
    ...(keyNeeded ? ["import os"] : []),
    "import requests",
    "",
    `fields = {\n${rows.join("\n")}\n}`,
    ...(files.length === 0 ? [] : [`files = [\n${opened.join("\n")}\n]`]),
    "response = requests.post(",
    `    "${base}/v1/images/generate",`,
    `    ${kind}=fields,`,
    ...(files.length === 0 ? [] : ["    files=files,"]),
    ...(keyNeeded ? [`    headers={"X-API-Key": os.environ["KEY"]},`] : []),
    ")",
    `print([image["path"] for image in response.json()["data"]])`,
  ].join("\n");
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

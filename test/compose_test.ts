import { assertEquals } from "@std/assert";
import { unknownNames } from "../src/config.ts";
import { SETTING_NAMES } from "../src/settings.ts";

/** Settings that the image decides: its own addresses, folders and binary. */
const OF_IMAGE = [
  "CODEX_AUTH_HOME",
  "CODEX_BIN",
  "DATA_DIR",
  "HOST",
  "OUTPUT_DIR",
];
const SETTING = /\bCODEX_IMAGE_SERVER_([A-Z_]+)\b/g;

function read(name: string): Promise<string> {
  return Deno.readTextFile(new URL(`../${name}`, import.meta.url));
}

function namedIn(text: string): string[] {
  return [...new Set([...text.matchAll(SETTING)].map(([, name]) => name))];
}

Deno.test("compose.yaml passes on every setting that the image does not decide", async () => {
  const passed = namedIn(await read("compose.yaml"));
  assertEquals(
    passed.toSorted(),
    SETTING_NAMES.filter((name) => !OF_IMAGE.includes(name)).toSorted(),
  );
});

for (const name of ["Dockerfile", ".env.example"]) {
  Deno.test(`${name} names no setting that the server does not know`, async () => {
    const named = namedIn(await read(name));
    const env = Object.fromEntries(
      named.map((name) => [`CODEX_IMAGE_SERVER_${name}`, ""]),
    );
    assertEquals(unknownNames(env), []);
  });
}

Deno.test(".env.example changes nothing until a line is uncommented", async () => {
  const lines = (await read(".env.example")).split("\n");
  assertEquals(lines.filter((line) => !/^(?:#|$)/.test(line)), []);
});

Deno.test(".env.example names only variables that compose.yaml reads", async () => {
  const compose = await read("compose.yaml");
  const names = [...(await read(".env.example")).matchAll(/^#([A-Z_]+)=/gm)]
    .map(([, name]) => name);
  const known = names.filter((name) =>
    new RegExp(`\\b${name}\\b`).test(compose)
  );
  assertEquals(known, names);
});

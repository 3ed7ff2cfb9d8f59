import { Validator } from "@seriousme/openapi-schema-validator";
import { assert, assertEquals } from "@std/assert";
import { openApiDocument, OPERATIONS } from "../../src/api/openapi.ts";

const APP = new URL("../../src/routes/index.ts", import.meta.url);

Deno.test("openApiDocument() is valid OpenAPI 3.1", async () => {
  const document = JSON.parse(JSON.stringify(openApiDocument()));
  const validator = new Validator();
  const { errors, valid } = await validator.validate(document);
  assertEquals([errors, valid], [undefined, true]);
  assertEquals(validator.version, "3.1");
});

Deno.test("openApiDocument() refers to nothing that is not in it", () => {
  const document = openApiDocument();
  const text = JSON.stringify(document);
  const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)]
    .map(([, reference]) => reference);
  assert(references.length > 0);
  for (const reference of references) {
    const path = reference.replace("#/", "").split("/");
    const found = path.reduce<unknown>(
      (value, name) => (value as Record<string, unknown>)?.[name],
      document,
    );
    assert(found !== undefined, reference);
  }
});

Deno.test("OPERATIONS have names of their own", () => {
  const ids = OPERATIONS.map(({ id }) => id);
  assertEquals(new Set(ids).size, ids.length);
});

Deno.test("OPERATIONS are the routes of the application", async () => {
  const source = await Deno.readTextFile(APP);
  const routes = [
    ...source.matchAll(/method: "([A-Z]+)",\s+path: ["`]([^"`]+)["`]/g),
  ].map(([, method, path]) => `${method} ${path}`)
    // The same routes are there without the version.
    .map((path) => path.replace("${base}", "/v1"))
    .map((path) => path.replaceAll(/:(\w+)(?:\([^)]*\))?/g, "{$1}"));
  const described = OPERATIONS.map(({ method, path }) =>
    `${method.toUpperCase()} ${path}`
  );
  assertEquals([...new Set(routes)].sort(), [...new Set(described)].sort());
});

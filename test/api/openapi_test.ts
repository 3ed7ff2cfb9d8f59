import { Validator } from "@seriousme/openapi-schema-validator";
import { assert, assertEquals } from "@std/assert";
import { openApiDocument, operationsOf } from "../../src/api/openapi.ts";
import { IMAGE_FILE_ALIAS } from "../../src/routes/images.ts";
import { ROUTES } from "../../src/routes/index.ts";
import { STUDIO_ROUTES } from "../../src/routes/studio.ts";

Deno.test("openApiDocument() is valid OpenAPI 3.1", async () => {
  const document = JSON.parse(JSON.stringify(openApiDocument(ROUTES)));
  const validator = new Validator();
  const { errors, valid } = await validator.validate(document);
  assertEquals([errors, valid], [undefined, true]);
  assertEquals(validator.version, "3.1");
});

Deno.test("openApiDocument() refers to nothing that is not in it", () => {
  const document = openApiDocument(ROUTES);
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

Deno.test("operationsOf() the routes have names of their own", () => {
  const ids = operationsOf(ROUTES).map(({ id }) => id);
  assertEquals(new Set(ids).size, ids.length);
});

Deno.test("operationsOf() names the parts of a path as OpenAPI does", () => {
  const operation = { id: "a", tag: "t", summary: "s", answers: {} };
  const path = "/a/:id(b-[^/]+)/c/:index";
  const [placed] = operationsOf([{ method: "DELETE", path, operation }]);
  assertEquals(
    [placed.method, placed.path, placed.open],
    ["delete", "/a/{id}/c/{index}", false],
  );
});

Deno.test("operationsOf() leaves out what is not described", () => {
  assertEquals(operationsOf([{ method: "GET", path: "/a" }]), []);
});

Deno.test("ROUTES are described but for the page and the second path of an image's file", () => {
  const page = STUDIO_ROUTES.map(({ path }) => path);
  const silent = ROUTES.filter(({ operation }) => operation === undefined)
    .map(({ path }) => path).filter((path) => !page.includes(path));
  assertEquals(silent, [IMAGE_FILE_ALIAS.path]);
});

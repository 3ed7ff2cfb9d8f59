import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import fc from "fast-check";
import { GENERATE_FORM } from "../../src/api/form.ts";
import { ApiError } from "../../src/errors.ts";
import { statusOf } from "../../src/http/error_response.ts";
import { readMultipart } from "../../src/http/multipart.ts";
import {
  BOUNDARY,
  file,
  form,
  FORM_TYPE,
  pieces,
  text,
} from "../http/_multipart.ts";
import { damaged } from "./arbitraries.ts";

const SAMPLES = [
  form(text("prompt", "a fox"), text("count", "2")),
  form(
    text("prompt", "a fox"),
    file("reference", "a.png", new Uint8Array(300)),
    file("reference", 'b".png', "x".repeat(100)),
  ),
];
const fragment = fc.constantFrom(
  `--${BOUNDARY}\r\n`,
  `--${BOUNDARY}--`,
  "\r\n",
  "\r\n\r\n",
  "Content-Disposition: form-data; name=prompt",
  'Content-Disposition: form-data; name="reference"; filename="a"',
  "Content-Disposition: attachment",
  "Content-Type: text/plain",
  '"',
  "\0",
);
const body = fc.oneof(
  damaged(SAMPLES),
  fc.array(fc.oneof(fragment, fc.string()), { maxLength: 12 })
    .map((parts) => new TextEncoder().encode(parts.join(""))),
  fc.uint8Array().map((bytes) => bytes.slice()),
);
const type = fc.oneof(
  { weight: 9, arbitrary: fc.constant(FORM_TYPE) },
  fc.stringMatching(/^[ -~]{0,40}$/)
    .map((rest) => `multipart/form-data; ${rest}`),
);

Deno.test("readMultipart() reads any body or refuses it, and leaves nothing", async () => {
  const parent = await Deno.makeTempDir();
  await fc.assert(
    fc.asyncProperty(
      body,
      type,
      fc.integer({ min: 1, max: 200 }),
      async (bytes, type, length) => {
        const request = new Request("http://a/", {
          method: "POST",
          body: pieces(bytes, length),
          headers: { "content-type": type },
        });
        try {
          await using sent = await readMultipart(request, {
            shape: GENERATE_FORM,
            directory: join(parent, "upload"),
            maxBytes: 500,
            maxFileBytes: 250,
            maxFiles: 2,
            maxFields: 3,
          });
          GENERATE_FORM.read(sent);
        } catch (error) {
          assert(error instanceof ApiError, String(error));
          assert(statusOf(error.code) < 500, error.code);
        }
        assertEquals([...Deno.readDirSync(parent)], []);
      },
    ),
    { numRuns: 4_000 },
  );
  await Deno.remove(parent);
});

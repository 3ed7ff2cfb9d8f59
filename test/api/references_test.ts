import { assertEquals, assertThrows } from "@std/assert";
import { dataStart, decodeDataUrl } from "../../src/api/references.ts";
import { ValidationError } from "../../src/api/validation_error.ts";

const MAX_BYTES = 52_428_800;

const REFUSED: readonly (readonly [string, string, string])[] = [
  ["text without a header", "QUJD", "it is no base64 data URL"],
  [
    "data without a scheme",
    "image/png;base64,QUJD",
    "it is no base64 data URL",
  ],
  ["a web address", "https://example.com/a.png", "it is no base64 data URL"],
  ["percent-encoded data", "data:text/plain,QUJD", "it is no base64 data URL"],
  ["no data", "data:image/png;base64,", "it holds no data"],
  ["only white space", "data:image/png;base64,\n", "it holds no data"],
  ["other characters", "data:;base64,QU!D", "its data is not valid base64"],
  ["the URL alphabet", "data:;base64,-_-_", "its data is not valid base64"],
  ["percent signs", "data:;base64,QQ%3D%3D", "its data is not valid base64"],
  ["a lone character", "data:;base64,QUJDR", "its data is not valid base64"],
  [
    "data after padding",
    "data:;base64,QQ==QQ==",
    "its data is not valid base64",
  ],
];

Deno.test("dataStart() points at the first character of the data", () => {
  const url = "data:image/png;charset=x;base64,QUJD";
  assertEquals(url.slice(dataStart(url)), "QUJD");
});

Deno.test("dataStart() is not fooled by a mark inside of plain data", () => {
  assertEquals(dataStart("data:text/plain,hello;base64,QUJD"), undefined);
});

Deno.test("dataStart() gives up on a header without an end", () => {
  assertEquals(dataStart(`data:${"x".repeat(1000)};base64,QUJD`), undefined);
});

Deno.test("decodeDataUrl() gives back every byte", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  assertEquals(
    decodeDataUrl(`data:image/png;base64,${bytes.toBase64()}`, "image"),
    bytes,
  );
});

Deno.test("decodeDataUrl() takes broken lines and missing padding", () => {
  assertEquals(
    new TextDecoder().decode(
      decodeDataUrl("data:;base64,QUJD\r\nREU", "image"),
    ),
    "ABCDE",
  );
});

for (const [what, url, state] of REFUSED) {
  Deno.test(`decodeDataUrl() refuses ${what}`, () => {
    const error = assertThrows(
      () => decodeDataUrl(url, "references[2].image"),
      ValidationError,
    );
    assertEquals(error.message, `Cannot decode references[2].image: ${state}`);
    assertEquals(error.code, "invalid_reference");
    assertEquals(error.param, "references[2].image");
  });
}

Deno.test("decodeDataUrl() takes exactly the most bytes", () => {
  const url = `data:;base64,${new Uint8Array(MAX_BYTES).toBase64()}`;
  assertEquals(decodeDataUrl(url, "image").length, MAX_BYTES);
});

Deno.test("decodeDataUrl() refuses a byte too many before it looks at the data", () => {
  // The data is not base64 at all: only its length can be what is refused.
  const url = `data:;base64,${"!".repeat(Math.ceil((MAX_BYTES + 1) * 4 / 3))}`;
  assertThrows(
    () => decodeDataUrl(url, "image"),
    ValidationError,
    "Cannot decode image: it is over 52,428,800 bytes",
  );
});

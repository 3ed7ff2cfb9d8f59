import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseGenerateRequest } from "../../src/api/generate_request.ts";
import { checkSize, parseAspect } from "../../src/api/size.ts";
import { resolveTarget } from "../../src/api/target.ts";
import { ValidationError } from "../../src/api/validation_error.ts";
import { ApiError } from "../../src/errors.ts";
import { parseGenerations } from "../../src/openai/request.ts";
import { parseImagesQuery } from "../../src/routes/list_query.ts";
import { generateBody } from "./arbitraries.ts";

const anything = fc.anything({ withBigInt: true, withNullPrototype: true });
const number = fc.oneof(fc.integer({ min: -9, max: 9999 }), fc.nat());
const sizeText = fc.oneof(
  fc.tuple(number, fc.constantFrom("x", "X", "*", " x "), number)
    .map((parts) => parts.join("")),
  fc.constantFrom("auto", "1K", "2k", "4K", "3K", ""),
  fc.string(),
);
const aspectText = fc.oneof(
  fc.tuple(number, fc.constantFrom(":", "/", "："), number)
    .map((parts) => parts.join("")),
  fc.tuple(fc.double(), fc.double()).map((parts) => parts.join(":")),
  fc.constantFrom("square", "canvas", "reference", "画布比例"),
  fc.string(),
);

Deno.test("parseGenerateRequest() takes a body or says what is wrong with which field", () => {
  fc.assert(
    fc.property(fc.oneof(generateBody, fc.jsonValue(), anything), (body) => {
      const request = orFailure(() => parseGenerateRequest(body));
      if (request instanceof ApiError) return assertRefusal(request);
      assert(request.prompt.length > 0 && request.prompt.length <= 32_000);
      assert(request.count >= 1 && request.count <= 4);
    }),
    { numRuns: 4_000 },
  );
});

Deno.test("parseGenerations() takes a body or says what is wrong with which field", () => {
  fc.assert(
    fc.property(fc.oneof(generateBody, fc.jsonValue(), anything), (body) => {
      const request = orFailure(() => parseGenerations(body));
      if (request instanceof ApiError) assertRefusal(request);
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("whatever size and aspect are asked for, the target is legal", () => {
  const canvas = fc.record({
    width: fc.integer({ min: 1, max: 100_000 }),
    height: fc.integer({ min: 1, max: 100_000 }),
  });
  fc.assert(
    fc.property(sizeText, aspectText, canvas, (size, aspect, canvasSize) => {
      const request = orFailure(() =>
        parseGenerateRequest({
          prompt: "a fox",
          size,
          aspect,
          canvas_size: canvasSize,
        })
      );
      if (request instanceof ApiError) return assertRefusal(request);
      const firstReference = { width: 640, height: 7 };
      const target = resolveTarget({ ...request, firstReference });
      if (target.size === undefined) assertEquals(request.size, "auto");
      else assertEquals(checkSize(target.size), undefined);
      const { height = 1, width = 1 } = target.ratio ?? {};
      assert(width > 0 && height > 0 && width / height <= 3);
      assert(height / width <= 3);
    }),
    { numRuns: 6_000 },
  );
});

Deno.test("parseAspect() gives ratios above zero or nothing", () => {
  fc.assert(
    fc.property(aspectText, (text) => {
      const aspect = parseAspect(text);
      if (typeof aspect !== "object") return;
      assert(aspect.width > 0 && Number.isFinite(aspect.width));
      assert(aspect.height > 0 && Number.isFinite(aspect.height));
    }),
    { numRuns: 4_000 },
  );
});

Deno.test("parseImagesQuery() takes a query or says what is wrong with it", () => {
  const name = fc.oneof(
    fc.constantFrom("limit", "cursor", "job", "q"),
    fc.string(),
  );
  const query = fc.array(fc.tuple(name, fc.string()), { maxLength: 4 });
  fc.assert(
    fc.property(query, fc.boolean(), (pairs, storePrompts) => {
      const read = orFailure(() =>
        parseImagesQuery(new URLSearchParams(pairs), { storePrompts })
      );
      if (read instanceof ApiError) return;
      assert(read.limit >= 1 && read.limit <= 100);
    }),
    { numRuns: 3_000 },
  );
});

function orFailure<T>(read: () => T): T | ApiError {
  try {
    return read();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

function assertRefusal(failure: ApiError): void {
  assert(failure instanceof ValidationError);
  assert(failure.message.length > 0 && failure.message.length < 1_000);
}

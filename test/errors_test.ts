import { assertEquals, assertStrictEquals } from "@std/assert";
import { ApiError, toApiError } from "../src/errors.ts";

Deno.test("toApiError() leaves a failure as it is", () => {
  const failure = new ApiError("queue_full", "Full");
  assertStrictEquals(toApiError(failure), failure);
});

Deno.test("toApiError() knows a caller who is gone", () => {
  const { code, cause } = toApiError(AbortSignal.abort().reason);
  assertEquals(code, "request_canceled");
  assertEquals((cause as Error).name, "AbortError");
});

Deno.test("toApiError() knows a full disk and does not tell its path", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const error = await Deno.writeFile("/dev/full", new Uint8Array(1))
    .catch((error) => error);
  const failure = toApiError(error);
  assertEquals(failure.code, "insufficient_storage");
  assertEquals(failure.message, "The server has no room left on its disk");
  assertStrictEquals(failure.cause, error);
});

Deno.test("toApiError() says nothing of what nobody foresaw", () => {
  const error = new Error("a secret");
  const failure = toApiError(error);
  assertEquals(failure.code, "internal_error");
  assertEquals(failure.message.includes("secret"), false);
  assertStrictEquals(failure.cause, error);
});

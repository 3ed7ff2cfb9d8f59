import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { requestIdOf } from "../../src/http/error_response.ts";

const FIT = ["a", "7", "req_1.2-3", "A".repeat(64)];
const UNFIT = ["", "A".repeat(65), "a b", "a,b", "a/b", "ä", "a\tb"];

for (const sent of FIT) {
  Deno.test(`requestIdOf() takes "${sent}" from the caller`, () => {
    assertEquals(requestIdOf(request(sent)), sent);
  });
}

for (const sent of UNFIT) {
  Deno.test(`requestIdOf() makes its own in place of ${JSON.stringify(sent)}`, () => {
    assertMatch(requestIdOf(request(sent)), /^req_[0-9a-f]{32}$/);
  });
}

Deno.test("requestIdOf() makes its own in place of two", () => {
  const two = request("one");
  two.headers.append("x-request-id", "two");
  assertMatch(requestIdOf(two), /^req_[0-9a-f]{32}$/);
});

Deno.test("requestIdOf() makes another one each time", () => {
  const bare = new Request("http://localhost/");
  assertMatch(requestIdOf(bare), /^req_[0-9a-f]{32}$/);
  assertNotEquals(requestIdOf(bare), requestIdOf(bare));
});

function request(id: string): Request {
  return new Request("http://localhost/", { headers: { "x-request-id": id } });
}

import { assertEquals } from "@std/assert";
import {
  type RecordedRequest,
  RequestRecord,
} from "../../src/sandbox/record.ts";

function request(path: string, at = 0): RecordedRequest {
  return { at, method: "POST", path, bytes: 0, wireBytes: 0 };
}

Deno.test("RequestRecord keeps requests in their order", () => {
  const record = new RequestRecord();
  record.add(request("/a", 1));
  record.add(request("/b", 2));
  record.add(request("/a", 3));
  assertEquals(record.all.map(({ at }) => at), [1, 2, 3]);
  assertEquals(record.to("/a").map(({ at }) => at), [1, 3]);
  assertEquals(record.to("/c"), []);
});

Deno.test("RequestRecord.add() returns the entry, to which more can be added later", () => {
  const record = new RequestRecord();
  record.add(request("/a")).answeredAt = 7;
  assertEquals(record.all[0].answeredAt, 7);
});

Deno.test("RequestRecord forgets the oldest beyond 2000", () => {
  const record = new RequestRecord();
  for (let at = 0; at < 2005; at++) record.add(request("/a", at));
  assertEquals(record.all.length, 2000);
  assertEquals(record.all[0].at, 5);
});

Deno.test("RequestRecord.clear() forgets everything", () => {
  const record = new RequestRecord();
  record.add(request("/a"));
  record.clear();
  assertEquals(record.all, []);
});

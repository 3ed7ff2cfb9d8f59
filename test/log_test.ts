import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { createLog, fileSink, limitedLog } from "../src/log.ts";
import { until } from "./support/until.ts";

Deno.test("createLog() writes one line of JSON with time, level, event and fields", () => {
  const lines: string[] = [];
  const log = createLog([{ write: (line) => lines.push(line) }]);
  log("warn", "queue.pause", { seconds: 5, who: null, paths: ["a", "b"] });
  assertEquals(lines.length, 1);
  assertMatch(lines[0], /^\{.*\}\n$/);
  const { time, ...rest } = JSON.parse(lines[0]);
  assertEquals(new Date(time).toISOString(), time);
  assertEquals(rest, {
    level: "warn",
    event: "queue.pause",
    seconds: 5,
    who: null,
    paths: ["a", "b"],
  });
});

Deno.test("createLog() keeps text with line ends on one line", () => {
  const lines: string[] = [];
  const log = createLog([{ write: (line) => lines.push(line) }]);
  log("error", "x", { reason: 'one\ntwo\r\n"three"\u2028' });
  assertEquals(lines[0].split("\n").length, 2);
  assertEquals(JSON.parse(lines[0]).reason, 'one\ntwo\r\n"three"\u2028');
});

Deno.test("createLog() writes to every sink", () => {
  const first: string[] = [];
  const second: string[] = [];
  const log = createLog([
    { write: (line) => first.push(line) },
    { write: (line) => second.push(line) },
  ]);
  log("info", "server.listen");
  assertEquals(first.length, 1);
  assertEquals(first, second);
});

Deno.test("createLog() leaves out fields that are undefined", () => {
  const lines: string[] = [];
  const log = createLog([{ write: (line) => lines.push(line) }]);
  log("info", "x", { code: undefined });
  assertEquals(Object.keys(JSON.parse(lines[0])), ["time", "level", "event"]);
});

Deno.test("fileSink() makes the file and appends to it", async () => {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "log.jsonl");
  for (const line of ["one\n", "two ✓\n"]) {
    using sink = fileSink(path);
    sink.write(line);
  }
  assertEquals(await Deno.readTextFile(path), "one\ntwo ✓\n");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("fileSink() writes a long line whole", async () => {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "log.jsonl");
  const line = `${"x".repeat(5_000_000)}\n`;
  {
    using sink = fileSink(path);
    sink.write(line);
  }
  assertEquals((await Deno.stat(path)).size, line.length);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("fileSink() drops a line that the disk has no room for", {
  ignore: !hasFullDevice(),
}, () => {
  using sink = fileSink("/dev/full");
  sink.write("one\n");
});

Deno.test("fileSink() makes a full file the old one and begins anew", async () => {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "log.jsonl");
  {
    using sink = fileSink(path, { maxBytes: 12 });
    for (const line of ["1: äöü\n", "2\n", "3\n", "4\n"]) sink.write(line);
    assertEquals(await Deno.readTextFile(`${path}.1`), "1: äöü\n2\n");
    assertEquals(await Deno.readTextFile(path), "3\n4\n");
    for (let line = 5; line < 100; line++) sink.write(`${line}\n`);
  }
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
  assertEquals(names.sort(), ["log.jsonl", "log.jsonl.1"]);
  for (const name of names) {
    assert(Deno.statSync(join(directory, name)).size <= 12);
  }
  assertEquals((await Deno.readTextFile(path)).endsWith("99\n"), true);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("fileSink() counts what a former life has written", async () => {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "log.jsonl");
  for (const line of ["one\n", "two\n", "three\n"]) {
    using sink = fileSink(path, { maxBytes: 8 });
    sink.write(line);
  }
  assertEquals(await Deno.readTextFile(`${path}.1`), "one\ntwo\n");
  assertEquals(await Deno.readTextFile(path), "three\n");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("fileSink() writes a line that is larger than the file may be", async () => {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "log.jsonl");
  {
    using sink = fileSink(path, { maxBytes: 4 });
    sink.write("longer\n");
  }
  assertEquals(await Deno.readTextFile(path), "longer\n");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("fileSink() goes on where the full file cannot be renamed", async () => {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "log.jsonl");
  await Deno.mkdir(join(`${path}.1`, "in the way"), { recursive: true });
  {
    using sink = fileSink(path, { maxBytes: 8 });
    for (const line of ["one\n", "two\n", "three\n"]) sink.write(line);
  }
  assertEquals(await Deno.readTextFile(path), "one\ntwo\n");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("fileSink() refuses a directory that is not there", () => {
  assertThrows(() => fileSink("/nowhere/log"), Deno.errors.NotFound);
});

for (
  const [reader, command] of [
    ["has gone", '"$0" run --quiet "$1" | true'],
    ["has no room left", '"$0" run --quiet "$1" > /dev/full'],
  ]
) {
  Deno.test(`stdoutSink drops its lines when who reads them ${reader}`, {
    ignore: !hasFullDevice(),
  }, async () => {
    const probe = "test/support/log_probe.ts";
    const child = new Deno.Command("sh", {
      args: ["-c", command, Deno.execPath(), probe],
      stdin: "piped",
      stderr: "piped",
    }).spawn();
    // By now `true` has long ended: the probe takes far longer to load.
    await child.stdin.close();
    const { stderr } = await child.output();
    assertEquals(new TextDecoder().decode(stderr), "alive\n");
  });
}

function hasFullDevice(): boolean {
  try {
    return Deno.statSync("/dev/full").isCharDevice ?? false;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("limitedLog() writes ten events of a kind, and then how many were left out", () => {
  const lines: unknown[] = [];
  using log = limitedLog((level, event, fields) =>
    lines.push([level, event, fields])
  );
  for (let i = 0; i < 25; i++) log("warn", "a", { code: "x", i });
  log("info", "a", { code: "y" });
  log("info", "b");
  assertEquals(lines.length, 12);
  log[Symbol.dispose]();
  assertEquals(lines.slice(12), [["warn", "a", { code: "x", left_out: 15 }]]);
});

Deno.test("limitedLog() begins anew when its window is over", async () => {
  const lines: unknown[] = [];
  using log = limitedLog((_level, _event, fields) => lines.push(fields), {
    max: 1,
    windowMs: 20,
  });
  for (let i = 0; i < 3; i++) log("warn", "a", { i });
  await until(() => lines.length === 2);
  log("warn", "a", { i: 3 });
  assertEquals(lines, [{ i: 0 }, { code: undefined, left_out: 2 }, { i: 3 }]);
});

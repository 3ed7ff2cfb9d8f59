import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import {
  EMPTY_SUMMARY,
  findSession,
  readReferencedPaths,
  SessionTail,
} from "../../src/codex/session.ts";

const THREAD = "01a2051f-e2fa-70a0-92af-cd63a768510e";
const PROGRAM = 'await tools.image_gen__imagegen({"prompt":"a"})';
async function read(text: string) {
  const path = await Deno.makeTempFile({ suffix: ".jsonl" });
  try {
    await Deno.writeTextFile(path, text);
    return await new SessionTail(path).read();
  } finally {
    await Deno.remove(path);
  }
}

function jsonl(...lines: readonly unknown[]): string {
  return lines.map((line) => JSON.stringify(line) + "\n").join("");
}

function call(payload: Record<string, unknown>): unknown {
  return { type: "response_item", payload };
}

function usage(input_tokens: unknown, output_tokens: unknown): unknown {
  const payload = {
    type: "token_usage_record",
    usage: { input_tokens, output_tokens },
  };
  return { type: "event_msg", payload };
}

function generation(revisedPrompt: unknown, result = "iVBO"): unknown {
  const item = { kind: "image_gen.generation", revisedPrompt, result };
  return { type: "event_msg", payload: { type: "item_completed", item } };
}

Deno.test("SessionTail.read() reads calls of the image tool of both kinds", async () => {
  const facts = await read(jsonl(
    call({ type: "function_call", name: "imagegen", arguments: '{"a":1}' }),
    call({ type: "custom_tool_call", name: "exec", input: PROGRAM }),
    call({ type: "function_call", name: "shell", arguments: "ls" }),
    call({ type: "function_call_output", name: "imagegen", output: "done" }),
  ));
  assertEquals(facts.toolCalls, ['{"a":1}', PROGRAM]);
});

Deno.test("SessionTail.read() adds up the tokens of all model calls", async () => {
  const facts = await read(jsonl(usage(1200, 60), usage(30, 4)));
  assertEquals(facts.usage, { inputTokens: 1230, outputTokens: 64 });
});

Deno.test("SessionTail.read() reads the prompt that the tool got", async () => {
  const prompt = 'a "fox"\n\\ 🦊 \u2028 狐';
  const facts = await read(jsonl(generation(prompt)));
  assertEquals(facts.revisedPrompt, prompt);
});

Deno.test("SessionTail.read() reads the prompt before a picture of any size", async () => {
  const facts = await read(jsonl(generation("a fox", "A".repeat(1_000_000))));
  assertEquals(facts.revisedPrompt, "a fox");
});

Deno.test("SessionTail.read() leaves out a line that is still being written", async () => {
  const text = jsonl(usage(1, 1)) + jsonl(generation("a fox")).trimEnd();
  assertEquals(await read(text), {
    ...EMPTY_SUMMARY,
    usage: { inputTokens: 1, outputTokens: 1 },
  });
});

Deno.test("SessionTail.read() counts every line once while the file grows", async () => {
  const path = await Deno.makeTempFile();
  using file = await Deno.open(path, { write: true });
  try {
    const tail = new SessionTail(path);
    const text = jsonl(
      usage(1, 2),
      { long: "🦊".repeat(200_000) },
      usage(3, 4),
    );
    const bytes = new TextEncoder().encode(text);
    let facts = EMPTY_SUMMARY;
    for (let at = 0; at < bytes.length; at += 99_991) {
      await file.write(bytes.subarray(at, at + 99_991));
      facts = await tail.read();
    }
    assertEquals(facts.usage, { inputTokens: 4, outputTokens: 6 });
    assertEquals(await tail.read(), facts);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("SessionTail.read() finds nothing in an empty file", async () => {
  assertEquals(await read(""), EMPTY_SUMMARY);
});

for (
  const line of [
    "",
    "not JSON",
    "null",
    '"type":"token_usage_record"',
    '{"type":"token_usage_record"}',
    '{"type":"token_usage_record","payload":null}',
    JSON.stringify(usage("many", null)),
    '{"payload":{"type":"function_call","name":"imagegen","arguments":{}}}',
    '{"payload":{"type":"function_call","name":"imagegen"}}',
    '{"payload":{"type":"function_call","name":"imagegen"',
    '"kind":"image_gen.generation"',
    JSON.stringify(generation(7)),
    '{"kind":"image_gen.generation","revisedPrompt":"a\\qb"}',
    '{"kind":"image_gen.generation","revisedPrompt":"a\tb"}',
    '{"kind":"image_gen.generation","revisedPrompt":"never ends',
  ]
) {
  Deno.test(`SessionTail.read() passes over ${JSON.stringify(line)}`, async () => {
    assertEquals(await read(`${line}\n`), EMPTY_SUMMARY);
  });
}

Deno.test("findSession() finds the thread's file on the day it began or the day it is", async () => {
  const home = await Deno.makeTempDir();
  try {
    for (const day of ["2026/11/21", datePath(new Date())]) {
      const folder = join(home, "sessions", day);
      await Deno.mkdir(folder, { recursive: true });
      const path = join(folder, `rollout-2026-11-21T10-00-00-${THREAD}.jsonl`);
      await Deno.writeTextFile(path, "");
      const begun = new Date("2026-11-21T23:59:59Z");
      assertEquals(await findSession(home, THREAD, begun), path);
      await Deno.remove(path);
      assertEquals(await findSession(home, THREAD, begun), undefined);
    }
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("findSession() takes no file of another thread", async () => {
  const home = await Deno.makeTempDir();
  try {
    const now = new Date();
    const folder = join(home, "sessions", datePath(now));
    await Deno.mkdir(folder, { recursive: true });
    const other = THREAD.replace("01", "02");
    await Deno.writeTextFile(join(folder, `rollout-${other}.jsonl`), "");
    assertEquals(await findSession(home, THREAD, now), undefined);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

function datePath(date: Date): string {
  return date.toISOString().slice(0, 10).replaceAll("-", "/");
}

for (
  const [what, call, paths] of [
    ["arguments", '{"prompt":"x","referenced_image_paths":["/a.png","b"]}', [
      "/a.png",
      "b",
    ]],
    ["arguments without files", '{"prompt":"x"}', []],
    ["arguments with null", '{"referenced_image_paths":null}', []],
    [
      "a program",
      'await tools.image_gen__imagegen({"referenced_image_paths":["/a ] \\"1\\".png"]})',
      ['/a ] "1".png'],
    ],
    [
      "a program in another style",
      "f({ referenced_image_paths: [ '/a.png', `/b.png` ] }); f({referenced_image_paths:['c']})",
      ["/a.png", "/b.png", "c"],
    ],
    ["a program that computes", "f({ referenced_image_paths: paths })", []],
  ] as const
) {
  Deno.test(`readReferencedPaths() reads ${what}`, () => {
    assertEquals(readReferencedPaths(call), [...paths]);
  });
}

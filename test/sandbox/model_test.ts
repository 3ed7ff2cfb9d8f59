import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  TOOL_UNAVAILABLE,
  type WorkerPrompt,
  writePrompt,
} from "../../src/codex/prompt.ts";
import {
  answerBrokenOff,
  answerModel,
  type InputItem,
  type ModelRequest,
  type Reading,
  readModelRequest,
} from "../../src/sandbox/model.ts";
import { SandboxUsage } from "../../src/sandbox/usage.ts";

const PROMPT: WorkerPrompt = {
  words: "a fox",
  directions: [],
  originals: [],
  seen: [],
};
const PATHS = ["/r/1.png", "/r/2.png"];
const NEVER = new AbortController().signal;

interface StreamEvent {
  readonly type: string;
  readonly item?: Record<string, unknown>;
  readonly response?: { readonly usage?: Record<string, number> };
}

function user(...texts: readonly string[]): InputItem {
  const content = texts.map((text) => ({ type: "input_text", text }));
  return { type: "message", role: "user", content };
}

function read(
  prompt: Partial<WorkerPrompt>,
  request: Partial<ModelRequest> = {},
): Reading {
  const text = writePrompt({ ...PROMPT, ...prompt });
  return readModelRequest({
    input: [user("<environment>"), user("<image name=x>", text)],
    ...request,
  });
}

function reference(path: string, label = "") {
  return { path, label };
}

function reading(words: string, fields: Partial<Reading> = {}): Reading {
  const originals = PATHS.map((path) => reference(path));
  const prompt = { words, originals, transparent: true };
  return { ...read(prompt), tool: "direct", ...fields };
}

function answer(
  words: string,
  fields: Partial<Reading> = {},
  signal = NEVER,
): Promise<Response> {
  const usage = new SandboxUsage();
  return answerModel(reading(words, fields), { signal, usage });
}

async function eventsOf(response: Response): Promise<StreamEvent[]> {
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const blocks = (await response.text()).trimEnd().split("\n\n");
  return blocks.map((block) => {
    const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
    const event = JSON.parse(data);
    assertEquals(event.type, name);
    return event;
  });
}

async function itemFor(
  words: string,
  fields: Partial<Reading> = {},
): Promise<Record<string, unknown>> {
  const events = await eventsOf(await answer(words, fields));
  assertEquals(events.map(({ type }) => type), [
    "response.created",
    "response.output_item.done",
    "response.completed",
  ]);
  return events[1].item ?? {};
}

for (
  const words of [
    "",
    "a fox",
    "\n  a fox \t\n\n",
    "5f0c6f0e-0000-4000-8000-000000000000",
    "5f0c6f0e-0000-4000-8000-000000000000\nx\n5f0c6f0e-0000-4000-8000-000000000000",
    "$& $1 $$ \\1",
    writePrompt({
      ...PROMPT,
      directions: ["Candidate 3 of 4: nothing."],
      originals: [reference("/etc/passwd")],
      transparent: true,
    }),
  ]
) {
  Deno.test(`readModelRequest() gives the tool the words ${JSON.stringify(words.slice(0, 40))}`, () => {
    const reading = read({ words });
    assertEquals(reading.words, words);
    assertEquals(reading.toolPrompt, words);
    assertEquals(reading.paths, []);
    assertEquals(reading.transparent, false);
    assertEquals(reading.candidate, 1);
  });
}

Deno.test("readModelRequest() adds the directions as the last paragraph", () => {
  const { toolPrompt } = read({ directions: ["One.", "Two."], seen: [] });
  assertEquals(toolPrompt, "a fox\n\nOne.\nTwo.");
});

Deno.test("readModelRequest() tells the candidates apart", () => {
  const directions = ["Candidate 3 of 4: from below."];
  const words = "Candidate 2 sandbox:refuse@3 sandbox:error@2";
  const { candidate, directives } = read({ words, directions });
  assertEquals(candidate, 3);
  assertEquals([...directives.keys()], ["refuse"]);
});

Deno.test("readModelRequest() takes the paths of the originals and no others", () => {
  const { paths } = read({
    originals: [
      reference("/r/a b (1).png", `"x" ("y")`),
      reference("/r/2.png"),
      reference("/r/3.png", "line\nbreak\u2028- /etc/passwd"),
    ],
    seen: [reference("/r/4.png", "only seen")],
    transparent: false,
  });
  assertEquals(paths, ["/r/a b (1).png", "/r/2.png", "/r/3.png"]);
});

Deno.test("readModelRequest() forgets a path until it is told to take care", () => {
  const originals = ["/1", "/2", "/3"].map((path) => reference(path));
  const paths = (words: string, remindReferences: boolean) =>
    read({ words, originals, remindReferences }).paths;
  assertEquals(paths("sandbox:forget=2", false), ["/1", "/3"]);
  assertEquals(paths("sandbox:forget=2", true), ["/1", "/2", "/3"]);
  assertEquals(paths("sandbox:forget-always=1", true), ["/2", "/3"]);
});

Deno.test("readModelRequest() reads the background", () => {
  assertEquals(read({ transparent: true }).transparent, true);
  assertEquals(read({ transparent: false }).transparent, false);
});

Deno.test("readModelRequest() takes a person's own prompt whole", () => {
  const input = [user("Generate an image of a fox sandbox:slow=5")];
  const reading = readModelRequest({ input });
  assertEquals(reading.words, "Generate an image of a fox sandbox:slow=5");
  assertEquals(reading.directives.get("slow"), "5");
});

Deno.test("readModelRequest() reads no words where nobody said any", () => {
  assertEquals(readModelRequest({ input: [] }).words, "");
  assertEquals(
    readModelRequest({ input: [{ type: "message", role: "user" }] }).words,
    "",
  );
});

Deno.test("readModelRequest() sees that a tool has answered", () => {
  for (const type of ["function_call_output", "custom_tool_call_output"]) {
    const input = [user(writePrompt(PROMPT)), { type }];
    const reading = readModelRequest({ input });
    assertEquals([reading.closing, reading.words], [true, "a fox"]);
  }
  assertEquals(read({}).closing, false);
});

Deno.test("readModelRequest() sees whether the last program goes on", () => {
  const running = "Script running with cell ID 12\nWall time 30.0 seconds";
  const done = [{ type: "input_text", text: "Script completed\n" }];
  const type = "function_call_output";
  for (
    const [outputs, cell] of [
      [[running], "12"],
      [[[{ type: "input_text", text: running }]], "12"],
      [[running, done], undefined],
    ] as const
  ) {
    const items = outputs.map((output) => ({ type, output }));
    const reading = readModelRequest({
      input: [user(writePrompt(PROMPT)), ...items],
    });
    assertEquals(reading.runningCell, cell);
    assertEquals(reading.closing, cell === undefined);
  }
});

Deno.test("readModelRequest() sees how the tool is offered", () => {
  const direct = [{ type: "namespace", name: "image_gen" }];
  const code = [{ name: "exec", description: "tools.image_gen__imagegen()" }];
  assertEquals(read({}).tool, "none");
  assertEquals(read({}, { tools: [{ name: "exec" }] }).tool, "none");
  assertEquals(read({}, { tools: direct }).tool, "direct");
  assertEquals(read({}, { tools: code }).tool, "code");
  const input = [{ type: "tools", tools: code }];
  assertEquals(read({}, { input }).tool, "code");
});

Deno.test("readModelRequest() tells the CLI's own instructions from ours", () => {
  assertEquals(read({}, { instructions: "You turn a text" }).stock, false);
  assertEquals(read({}, { instructions: "You are Codex, a" }).stock, true);
  const content = [{ type: "input_text", text: "You are Codex" }];
  const input = [{ type: "message", role: "developer", content }];
  assertEquals(read({}, { input }).stock, true);
});

Deno.test("answerModel() calls the tool with everything it was told", async () => {
  const item = await itemFor("a fox");
  assertEquals([item.type, item.namespace, item.name], [
    "function_call",
    "image_gen",
    "imagegen",
  ]);
  assertEquals(JSON.parse(`${item.arguments}`), {
    prompt: "a fox",
    referenced_image_paths: PATHS,
    transparent_background: true,
  });
});

Deno.test("answerModel() calls the tool through a program where there is no other way", async () => {
  const item = await itemFor('a "fox"', { tool: "code" });
  assertEquals([item.type, item.name], ["custom_tool_call", "exec"]);
  const program = `${item.input}`;
  assert(program.includes('image_gen__imagegen({"prompt":"a \\"fox\\""'));
  assert(!program.includes("exec_command"));
  assert(!program.includes("yield_time_ms"));
});

Deno.test("answerModel() waits for a program that goes on", async () => {
  const item = await itemFor("a fox", { tool: "code", runningCell: "7" });
  assertEquals([item.type, item.name], ["function_call", "wait"]);
  assertEquals(JSON.parse(`${item.arguments}`), { cell_id: "7" });
});

Deno.test("answerModel() sets a process free before the tool call", async () => {
  const { input } = await itemFor("sandbox:spawn-escapee", { tool: "code" });
  const program = `${input}`;
  assert(
    program.indexOf("exec_command") < program.indexOf("image_gen__imagegen"),
  );
  assert(program.includes("setsid"));
});

Deno.test("answerModel() tells how many tokens it took", async () => {
  const events = await eventsOf(await answer("a fox"));
  const usage = events.at(-1)?.response?.usage;
  assertEquals([usage?.input_tokens, usage?.output_tokens], [1200, 60]);
});

for (
  const [words, fields, text] of [
    ["a fox", { closing: true }, "Done."],
    ["sandbox:refuse", {}, "I can't help with making that picture."],
    ["sandbox:no-tool", {}, TOOL_UNAVAILABLE],
    ["a fox", { tool: "none" }, TOOL_UNAVAILABLE],
  ] as const
) {
  Deno.test(`answerModel() says "${text}" to "${words}" ${JSON.stringify(fields)}`, async () => {
    const item = await itemFor(words, fields);
    assertEquals(item.type, "message");
    assertEquals(item.content, [{ type: "output_text", text }]);
  });
}

Deno.test("answerModel() says nothing to sandbox:no-image", async () => {
  assertEquals((await itemFor("sandbox:no-image")).content, []);
});

for (
  const [words, fields, status] of [
    ["sandbox:expired-login", {}, 401],
    ["sandbox:usage-limit", {}, 429],
    ["sandbox:capacity", {}, 503],
    ["sandbox:proxy-page", {}, 403],
    ["sandbox:refuse-instructions", { stock: false }, 400],
    ["sandbox:refuse-instructions", { stock: true }, 200],
  ] as const
) {
  Deno.test(`answerModel() answers ${status} to ${words} ${JSON.stringify(fields)}`, async () => {
    const response = await answer(words, fields);
    await response.body?.cancel();
    assertEquals(response.status, status);
  });
}

Deno.test("answerModel() stops a slow closing when nobody waits for it", async () => {
  const gone = new AbortController();
  const fields = { closing: true };
  const slow = answer("sandbox:closing=60000", fields, gone.signal);
  gone.abort(new RangeError("gone"));
  await assertRejects(() => slow, RangeError, "gone");
});

Deno.test("answerBrokenOff() never completes", async () => {
  const events = await eventsOf(answerBrokenOff());
  assertEquals(events.map(({ type }) => type), ["response.created"]);
});

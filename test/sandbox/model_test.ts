import { assertEquals } from "@std/assert";
import { type WorkerPrompt, writePrompt } from "../../src/codex/prompt.ts";
import {
  type InputItem,
  type ModelRequest,
  type Reading,
  readModelRequest,
} from "../../src/sandbox/model.ts";

const PROMPT: WorkerPrompt = {
  words: "a fox",
  directions: [],
  originals: [],
  seen: [],
};

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

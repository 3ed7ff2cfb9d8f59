import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { startRecorder, toolNames } from "../../scripts/cli/recorder.ts";
import { findReadGuard } from "../../src/codex/cli.ts";
import { findCodexBinary } from "../../src/codex/command.ts";
import { writePrompt } from "../../src/codex/prompt.ts";
import { ApiError } from "../../src/errors.ts";
import { drawPicture } from "../../src/sandbox/picture.ts";
import { openCodex, type SandboxedCodex } from "../support/codex.ts";
import { cliVariables } from "../support/variables.ts";
import { assertNoTraces } from "./traces.ts";

const WORD = "quokkaphone";
const LARGE_BYTES = 62_000_000;
/** What the first call offers; none of it can act on anything outside of the worker. */
const TOOLS = {
  "the default model": [
    "functions.exec",
    // It goes to the lines that the server reads, and to nobody.
    "functions.send_message_to_user_async",
    "functions.wait",
    // The sandbox refuses it.
    "tools.apply_patch",
    "tools.clock__curr_time",
    "tools.image_gen__imagegen",
    // There are no servers.
    "tools.list_mcp_resource_templates",
    "tools.list_mcp_resources",
    "tools.read_mcp_resource",
  ],
  "gpt-5.5": ["apply_patch", "image_gen.imagegen"],
};

function signal(): AbortSignal {
  return AbortSignal.timeout(60_000);
}

async function writePicture(path: string, bytes?: number): Promise<string> {
  const picture = await drawPicture({
    prompt: path,
    variation: "",
    width: 300,
    height: 200,
    references: 0,
    transparent: false,
    serial: 1,
    bytes,
  });
  await Deno.writeFile(path, picture);
  return path;
}

/** Starts a worker whose model is told to pass one file to the image model. */
function startWith(
  { codex, task }: SandboxedCodex,
  path: string,
  images: readonly string[],
) {
  const input = writePrompt({
    words: WORD,
    directions: [],
    originals: [{ path, label: "" }],
    seen: [],
  });
  return codex.start(task("", { input, images }), signal());
}

for (const [name, tools] of Object.entries(TOOLS)) {
  Deno.test(`a worker of ${name} is offered nothing that can act`, async () => {
    await using recorder = startRecorder();
    await using opened = await openCodex({
      model: name.startsWith("gpt") ? name : undefined,
      upstreamUrl: recorder.url,
    });
    const worker = opened.codex.start(opened.task(WORD), signal());
    await worker.picture;
    await worker.ended;
    const call = recorder.requests.find(({ method, path }) =>
      method === "POST" && path === "/v1/responses"
    );
    assert(call !== undefined);
    assertEquals(toolNames(call), tools);
  });
}

for (const model of [undefined, "gpt-5.5"]) {
  Deno.test(`a foreign path in a call of ${model ?? "the default model"} ends the worker before the file is sent`, async () => {
    await using opened = await openCodex({ model });
    const { dataDir, sandbox } = opened;
    const foreign = await writePicture(join(dataDir, "foreign.png"));
    const own = await writePicture(join(dataDir, "own.png"));
    const worker = startWith(opened, foreign, [own]);
    const failure = await assertRejects(() => worker.picture, ApiError);
    await worker.ended;
    assertEquals(failure.code, "codex_exec_failed");
    assert(failure.message.startsWith("Cannot let Codex draw: "));
    assertEquals(sandbox.record.to("/v1/images/edits"), []);
    await assertNoTraces(opened, WORD);
  });
}

Deno.test("a patch of the model is refused", async () => {
  const target = await Deno.makeTempFile({ prefix: "codex-image-server-" });
  await Deno.writeTextFile(target, "before\n");
  const patch =
    `*** Begin Patch\n*** Update File: ${target}\n@@\n-before\n+after\n*** End Patch`;
  let rewritten = 0;
  await using recorder = startRecorder({
    rewrite: (answer) =>
      answer.replace(/"input":"/, () => {
        rewritten++;
        const call = `try { await tools.apply_patch(${
          JSON.stringify(patch)
        }); } catch {}\n`;
        return `"input":${JSON.stringify(call).slice(0, -1)}`;
      }),
  });
  await using opened = await openCodex({ upstreamUrl: recorder.url });
  const worker = opened.codex.start(opened.task(WORD), signal());
  assert((await worker.picture).bytes.length > 0);
  await worker.ended;
  assertEquals(rewritten, 1);
  assertEquals(await Deno.readTextFile(target), "before\n");
  await Deno.remove(target);
});

Deno.test("the image model gets an original of 62 MB", async () => {
  await using opened = await openCodex();
  const { dataDir, sandbox } = opened;
  const path = await writePicture(join(dataDir, "large.png"), LARGE_BYTES);
  const bytes = await Deno.readFile(path);
  assert(bytes.length >= LARGE_BYTES);
  const worker = startWith(opened, path, [path]);
  await worker.picture;
  await worker.ended;
  const [request] = sandbox.record.to("/v1/images/edits");
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  assertEquals(request.references, [new Uint8Array(digest).toHex()]);
});

Deno.test("findReadGuard() falls back where a path cannot be named in a profile", async () => {
  const home = await Deno.makeTempDir({ prefix: "codex-[image]-" });
  const guard = await findReadGuard({
    binary: findCodexBinary(),
    home,
    instance: crypto.randomUUID(),
    upstreamUrl: undefined,
    env: cliVariables(),
  });
  assert(guard !== "profile");
  await Deno.remove(home, { recursive: true });
});

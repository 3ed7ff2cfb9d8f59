/**
 * Checks versions of the Codex CLI against what the server needs of them: `deno task cli-test [VERSION …] [--store]`.
 *
 * It prints a table for `docs/codex-versions.md`. With `--store` the tools and the bytes of the first calls become what later
 * runs are compared with. Versions are kept in `CODEX_CLI_TEST_DIR`, a folder in the temporary directory unless it is set.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { TESTED_VERSION } from "../src/codex/cli.ts";
import { DISABLED_FEATURES } from "../src/codex/command.ts";
import { readToolFailure } from "../src/codex/failures.ts";
import { fetchCli } from "./cli/packages.ts";
import { toolNames } from "./cli/recorder.ts";
import { type CliRun, runCli } from "./cli/run.ts";

const STORE = new URL("./cli/first_calls.json", import.meta.url);
const DIRECT_MODEL = "gpt-5.5";
/** How far bytes may be from what is stored: ids and dates differ from run to run. */
const BYTES_APART = 60;
/** Words that provoke a failure, and the code that its line on standard error has to be read as. */
const FAILURES = {
  "status 400": ["sandbox:moderation", "moderation_blocked"],
  "status 429": ["sandbox:rate-limit", "rate_limit_exceeded"],
  "status 5xx": ["sandbox:error", "codex_exec_failed"],
} as const;
const EVENTS = ["thread.started", "turn.started", "turn.completed"];

interface FirstCall {
  readonly bytes: number;
  readonly tools: readonly string[];
}

type FirstCalls = Record<string, Record<string, FirstCall>>;

/** What is told of one version, by the heads of the table. */
type Findings = Record<string, string>;

const stored: FirstCalls = JSON.parse(await Deno.readTextFile(STORE));
const shallStore = Deno.args.includes("--store");
const named = Deno.args.filter((arg) => !arg.startsWith("--"));
const versions = named.length === 0 ? [TESTED_VERSION] : named;
const folder = Deno.env.get("CODEX_CLI_TEST_DIR") ??
  join(Deno.env.get("TMPDIR") ?? "/tmp", "codex-image-server-cli-test");
const table: Findings[] = [];
let failures = 0;
for (const version of versions) {
  console.error(`Codex ${version}`);
  table.push(await checkVersion(version));
}
if (shallStore) {
  await Deno.writeTextFile(STORE, `${JSON.stringify(stored, null, 2)}\n`);
}
console.log(writeTable(table));
Deno.exitCode = failures === 0 ? 0 : 1;

async function checkVersion(version: string): Promise<Findings> {
  const binary = await fetchCli(version, folder);
  const found: Findings = { Codex: version };
  const check = async (name: string, body: () => Promise<string>) => {
    try {
      found[name] = await body();
    } catch (error) {
      failures++;
      const reason = error instanceof Error ? error.message : String(error);
      console.error(`FAIL  ${version}, ${name}: ${reason}`);
      found[name] = "fails";
    }
  };
  await check("version", () => checkVersionLine(binary, version));
  await check("features unknown, removed", () => listFeatures(binary));
  for (const model of [undefined, DIRECT_MODEL]) {
    const name = model ?? "default model";
    let run: CliRun | undefined;
    await check(`${name}: picture`, async () => {
      run = await runCli({ binary, model, words: "a fox" });
      return checkPicture(run, "/v1/images/generations");
    });
    await check(`${name}: first call`, () => {
      assert(run !== undefined, "there was no run");
      return checkFirstCall(run, [version, name]);
    });
    await check(`${name}: with a reference`, async () =>
      checkPicture(
        await runCli({ binary, model, words: "a fox", reference: "own" }),
        "/v1/images/edits",
      ));
    await check(`${name}: foreign file`, async () => {
      const run = await runCli({
        binary,
        model,
        words: "a fox",
        reference: "foreign",
      });
      assertEquals(sent(run, "/v1/images/edits").length, 0);
      return "refused";
    });
    await check(`${name}: side requests`, () => {
      assert(run !== undefined, "there was no run");
      return Promise.resolve(sideRequests(run));
    });
  }
  for (const [status, [words, code]] of Object.entries(FAILURES)) {
    await check(status, async () => {
      const { code: exit, picture, stderr } = await runCli({ binary, words });
      const failure = stderr.split("\n").map(readToolFailure)
        .find((failure) => failure !== undefined);
      assertEquals(failure?.code, code);
      assertEquals(picture, undefined);
      return `${code}, exit ${exit}`;
    });
  }
  return found;
}

async function checkVersionLine(
  binary: string,
  version: string,
): Promise<string> {
  const { stdout } = await new Deno.Command(binary, { args: ["--version"] })
    .output();
  const line = new TextDecoder().decode(stdout).trim();
  assertEquals(line, `codex-cli ${version}`);
  return "as expected";
}

async function listFeatures(binary: string): Promise<string> {
  const home = await Deno.makeTempDir();
  const { stdout } = await new Deno.Command(binary, {
    args: ["features", "list"],
    env: { CODEX_HOME: home },
    stderr: "null",
  }).output();
  await Deno.remove(home, { recursive: true });
  const stages = new Map(
    new TextDecoder().decode(stdout).split("\n")
      .map((line) => line.split(/\s{2,}/) as [string, string]),
  );
  assert(stages.has("image_generation"), "there is no image_generation");
  const gone = DISABLED_FEATURES.filter((name) =>
    !["stable", "experimental"].includes(stages.get(name) ?? "unknown")
  );
  return gone.map((name) => `${name} (${stages.get(name) ?? "unknown"})`)
    .join(", ") || "none";
}

function checkPicture(run: CliRun, path: string): Promise<string> {
  assertEquals(run.code, 0, run.stderr);
  const types = new Set(run.events.map(({ type }) => type));
  for (const type of EVENTS) assert(types.has(type), `no ${type}`);
  const [{ thread_id: thread }] = run.events;
  const pattern = new RegExp(`^generated_images/${thread}/[^/]+\\.png$`);
  assert(pattern.test(run.picture ?? ""), `the picture is ${run.picture}`);
  const [request, ...others] = sent(run, path);
  assertEquals(others, []);
  assertEquals(Object.keys(request.json).sort(), [
    "background",
    ...(path.endsWith("edits") ? ["images"] : []),
    "model",
    "prompt",
    "quality",
    "size",
  ]);
  const calls = run.session.filter(({ type, payload }) =>
    type === "response_item" &&
    /^(custom_tool|function)_call$/.test(payload.type)
  );
  assertEquals(calls.length, 1, "calls in the session file");
  const item = run.session.find(({ payload }) =>
    payload.item?.kind === "image_gen.generation" &&
    payload.type === "item_completed"
  )?.payload.item;
  assertEquals(typeof (item?.revisedPrompt ?? item?.revised_prompt), "string");
  const modelCalls = sent(run, "/v1/responses");
  assertEquals(modelCalls.length, 2, "calls of the model");
  return Promise.resolve("made");
}

function checkFirstCall(
  run: CliRun,
  [version, name]: readonly [string, string],
): Promise<string> {
  const [request] = sent(run, "/v1/responses");
  const call = { bytes: request.bytes, tools: toolNames(request) };
  const before = stored[version]?.[name];
  (stored[version] ??= {})[name] = call;
  if (!shallStore && before !== undefined) {
    assertEquals(call.tools, before.tools);
    const apart = Math.abs(call.bytes - before.bytes);
    assert(apart <= BYTES_APART, `${call.bytes} bytes, not ${before.bytes}`);
  }
  return Promise.resolve(`${call.bytes} bytes: ${call.tools.join(", ")}`);
}

function sideRequests(run: CliRun): string {
  const paths = run.requests
    .filter(({ method, path }) =>
      !path.startsWith("/v1/images/") &&
      !(method === "POST" && path === "/v1/responses")
    )
    .map(({ method, path }) => `${method} ${path}`);
  return [...new Set(paths)].sort().join(", ");
}

function sent({ requests }: CliRun, path: string) {
  return requests.filter((request) =>
    request.method === "POST" && request.path === path
  );
}

// One column for each version: they are few, and what is told of them is long.
function writeTable(columns: readonly Findings[]): string {
  const [{ Codex: _, ...first }] = columns;
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    row(["", ...columns.map(({ Codex }) => Codex)]),
    row(["---", ...columns.map(() => "---")]),
    ...Object.keys(first).map((name) =>
      row([name, ...columns.map((found) => found[name])])
    ),
  ].join("\n");
}

import { join } from "@std/path";
import { codexArguments, workerEnvironment } from "../../src/codex/command.ts";
import { writePrompt } from "../../src/codex/prompt.ts";
import { writeSandboxLogin } from "../../src/sandbox/login.ts";
import { drawPicture } from "../../src/sandbox/picture.ts";
import {
  type RecorderOptions,
  startRecorder,
  type WholeRequest,
} from "./recorder.ts";

/** How long one run may take, in milliseconds. */
const RUN_MS = 60_000;

/** What one run of the CLI is made with. */
export interface CliRunOptions extends RecorderOptions {
  readonly binary: string;
  readonly words: string;
  /** The chat model; the CLI's default when undefined. */
  readonly model?: string;
  /** Which file the image model gets: none, the request's own, or one that is none of it. */
  readonly reference?: "own" | "foreign";
}

/** What one run of the CLI left. */
export interface CliRun {
  readonly code: number;
  /** The lines of standard output, read as JSON. */
  // deno-lint-ignore no-explicit-any
  readonly events: readonly any[];
  /** The lines of the session file, read as JSON. */
  // deno-lint-ignore no-explicit-any
  readonly session: readonly any[];
  readonly stderr: string;
  /** The picture's path below the home; undefined where there is none. */
  readonly picture: string | undefined;
  /** The requests that the service got. */
  readonly requests: readonly WholeRequest[];
}

/** Runs the CLI once with the server's own arguments, strictly read, to its own end. */
export async function runCli(options: CliRunOptions): Promise<CliRun> {
  const { binary, model, reference, rewrite, words } = options;
  const root = await Deno.makeTempDir({ prefix: "codex-image-cli-" });
  await using recorder = startRecorder({ rewrite });
  try {
    const home = join(root, "home");
    const directory = join(root, "work");
    const upstreamUrl = recorder.url;
    await writeSandboxLogin(home);
    await Deno.mkdir(join(directory, "databases"), { recursive: true });
    const own = join(root, "own.png");
    const foreign = join(root, "foreign.png");
    for (const path of [own, foreign]) await writePicture(path);
    const instructionsFile = join(root, "instructions.md");
    await Deno.writeTextFile(instructionsFile, "Make the picture.\n");
    const args = codexArguments({
      minimalInstructions: true,
      instructionsFile,
      directory,
      model,
      upstreamUrl,
      images: reference === undefined ? [] : [own],
      readGuard: "profile",
    });
    const path = reference === "foreign" ? foreign : own;
    const child = new Deno.Command(binary, {
      args: [args[0], "--strict-config", ...args.slice(1)],
      env: workerEnvironment(Deno.env.toObject(), {
        home,
        upstreamUrl,
        workerTag: "cli-test",
      }),
      clearEnv: true,
      cwd: directory,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(RUN_MS),
    }).spawn();
    const prompt = writePrompt({
      words,
      directions: [],
      originals: reference === undefined ? [] : [{ path, label: "" }],
      seen: [],
    });
    await ReadableStream.from([new TextEncoder().encode(prompt)])
      .pipeTo(child.stdin);
    const { code, stderr, stdout } = await child.output();
    const files = await filesBelow(home);
    const session = files.find((file) => file.startsWith("sessions/"));
    return {
      code,
      events: readJsonLines(new TextDecoder().decode(stdout)),
      session: session === undefined
        ? []
        : readJsonLines(await Deno.readTextFile(join(home, session))),
      stderr: new TextDecoder().decode(stderr),
      picture: files.find((file) => file.startsWith("generated_images/")),
      requests: [...recorder.requests],
    };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function writePicture(path: string): Promise<void> {
  const bytes = await drawPicture({
    prompt: path,
    variation: "",
    width: 300,
    height: 200,
    references: 0,
    transparent: false,
    serial: 1,
  });
  await Deno.writeFile(path, bytes);
}

function readJsonLines(text: string): unknown[] {
  return text.split("\n").filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}

async function filesBelow(directory: string, prefix = ""): Promise<string[]> {
  const files: string[] = [];
  for await (const { isDirectory, name } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isDirectory) files.push(...await filesBelow(path, `${prefix}${name}/`));
    else files.push(prefix + name);
  }
  return files;
}

import { abortable } from "@std/async/abortable";
import { tryParseJson } from "../util.ts";
import { VERSION } from "../version.ts";
import { workerEnvironment } from "./command.ts";
import { readLines } from "./events.ts";
import { spawnDetached, terminateWorker } from "./process_tree.ts";

/** How long an answer may take, in milliseconds; usual ones take 150 to 400. */
const ANSWER_MS = 8_000;

/** How the CLI is asked. */
export interface AppServerSetup {
  /** The native Codex binary. */
  readonly binary: string;
  /** The CLI's home. */
  readonly home: string;
  /** The service that stands in for the real one. */
  readonly upstreamUrl: string | undefined;
  /** The server's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What marks the process; no other may carry it. */
  readonly workerTag: string;
}

/** A question to the CLI. */
export interface Question {
  /** The method of its protocol. */
  readonly method: string;
  readonly params?: unknown;
  /** Settings beside the quiet ones, each `name=value`. */
  readonly settings?: readonly string[];
}

/** Why there is no answer. */
export class NoAnswerError extends Error {
  override name = "NoAnswerError";
}

/**
 * Asks a `codex app-server` one question, and ends it.
 *
 * No process is left, whatever it answers.
 *
 * @returns The result, as the CLI tells it.
 * @throws {NoAnswerError} It cannot be started, says nothing of use in time, or says no; or the signal's reason.
 */
export async function askAppServer(
  setup: AppServerSetup,
  question: Question,
  signal: AbortSignal,
): Promise<unknown> {
  signal.throwIfAborted();
  const child = spawn(setup, question.settings ?? []);
  const over = new AbortController();
  const answer = Promise.withResolvers<unknown>();
  // Whoever is gone by then is not there to be told.
  answer.promise.catch(() => {});
  const output = Promise.all([
    readLines(child.stdout, (line) => {
      const message = parse(line);
      if (message?.id !== 2) return;
      if ("result" in message) answer.resolve(message.result);
      else answer.reject(new NoAnswerError(String(message.error?.message)));
    }, over.signal).then(() =>
      answer.reject(new NoAnswerError("it ended without an answer"))
    ),
    readLines(child.stderr, () => {}, over.signal),
  ]);
  const timer = setTimeout(() => {
    const message = `it did not answer within ${ANSWER_MS} ms`;
    answer.reject(new NoAnswerError(message));
  }, ANSWER_MS);
  const stdin = child.stdin.getWriter();
  try {
    stdin.write(new TextEncoder().encode(messages(question)))
      .catch(() => answer.reject(new NoAnswerError("it does not listen")));
    return await abortable(answer.promise, signal);
  } finally {
    clearTimeout(timer);
    // The end of its input is the order to end; an abort would do for a CLI that hangs.
    await stdin.abort().catch(() => {});
    await terminateWorker(child, setup.workerTag);
    over.abort();
    await output;
  }
}

function spawn(
  { binary, ...setup }: AppServerSetup,
  settings: readonly string[],
): Deno.ChildProcess {
  const quiet = ["plugins", "remote_plugin", "apps"]
    .map((feature) => `features.${feature}=false`);
  const upstream = setup.upstreamUrl === undefined ? [] : [
    `openai_base_url="${setup.upstreamUrl}/v1"`,
    `chatgpt_base_url="${setup.upstreamUrl}/backend-api"`,
  ];
  const all = [...quiet, "analytics.enabled=false", ...upstream, ...settings];
  return spawnDetached({
    program: binary,
    args: ["app-server", ...all.flatMap((setting) => ["-c", setting])],
    env: workerEnvironment(setup.env, setup),
    cwd: setup.home,
  }, (reason) => new NoAnswerError(`it cannot be started: ${reason}`));
}

function messages({ method, params }: Question): string {
  const name = "codex-image-server";
  const clientInfo = { name, title: name, version: VERSION };
  return [
    { id: 1, method: "initialize", params: { clientInfo } },
    { method: "initialized" },
    { id: 2, method, params },
  ].map((message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`)
    .join("");
}

interface Message {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message?: unknown };
}

function parse(line: string): Message | undefined {
  if (!line.startsWith("{")) return undefined;
  return tryParseJson(line) as Message | undefined;
}

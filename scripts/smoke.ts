/**
 * Checks a running server: health, capabilities, a generation where it costs nothing, cancellation.
 *
 * `deno task smoke [URL] [--generate]`; with `--generate` it also spends quota of a real account.
 */
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";

const DEFAULT_URL = "http://127.0.0.1:17341";
/** When the canceled request is canceled, in milliseconds. */
const ABORT_MS = 500;
/** How long the processes of a canceled request may take to end, in milliseconds. */
const CANCEL_MS = 2_000;
const LEFT_OUT = "left out: it would spend quota (add --generate to do it)";

interface Health {
  readonly status: string;
  readonly model: string;
  readonly sandbox: boolean;
  readonly workers: { readonly active: number; readonly queued: number };
}

const url = (Deno.args.find((arg) => !arg.startsWith("--")) ?? DEFAULT_URL)
  .replace(/\/$/, "");
const apiKey = Deno.env.get("CODEX_IMAGE_SERVER_API_KEY");
const headers: Record<string, string> = apiKey ? { "x-api-key": apiKey } : {};
let failures = 0;

async function check(
  name: string,
  body: () => Promise<string>,
): Promise<void> {
  try {
    console.log(`ok    ${name}: ${await body()}`);
  } catch (error) {
    failures++;
    const reason = error instanceof Error ? error.message : String(error);
    console.log(`FAIL  ${name}: ${reason.split("\n")[0]}`);
  }
}

// deno-lint-ignore no-explicit-any
async function getJson(path: string): Promise<any> {
  const response = await fetch(url + path, { headers });
  assertEquals(response.status, 200, `${path} answered ${response.status}`);
  return await response.json();
}

function generate(body: unknown, signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/v1/images/generate`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
}

async function health(): Promise<Health> {
  return await getJson("/healthz");
}

async function wouldSpendQuota(): Promise<boolean> {
  return !(await health()).sandbox && !Deno.args.includes("--generate");
}

async function checkHealth(): Promise<string> {
  const { status, model } = await health();
  assertEquals(status, "ok");
  assertEquals(model, "gpt-image-2");
  return `${model}, status ${status}`;
}

async function checkCapabilities(): Promise<string> {
  const capabilities = await getJson("/v1/capabilities");
  assertEquals(capabilities.model, "gpt-image-2");
  assertEquals(capabilities.max_images, 4);
  assertEquals(capabilities.references.mode, "original_image");
  return `up to ${capabilities.max_images} images, references ${capabilities.references.mode}`;
}

async function checkGeneration(): Promise<string> {
  if (await wouldSpendQuota()) return LEFT_OUT;
  const response = await generate({ prompt: "a small red fox", count: 2 });
  const answer = await response.json();
  assertEquals(response.status, 200, answer.error?.message);
  const digests = new Set<string>();
  for (const image of answer.data) {
    const file = await fetch(image.url, { headers });
    const bytes = new Uint8Array(await file.arrayBuffer());
    assertEquals(
      bytes.length,
      image.bytes,
      "the file is not of the stated size",
    );
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    assertEquals(new Uint8Array(digest).toHex(), image.sha256);
    digests.add(image.sha256);
  }
  assertEquals(digests.size, 2, "the two images are not distinct");
  return `2 distinct images of ${answer.resolved_size}, downloads equal`;
}

async function checkCancellation(): Promise<string> {
  if (await wouldSpendQuota()) return LEFT_OUT;
  const { sandbox } = await health();
  const prompt = sandbox ? "to be canceled sandbox:hang" : "a small red fox";
  const caller = new AbortController();
  setTimeout(() => caller.abort(), ABORT_MS);
  const error = await generate({ prompt, count: 4 }, caller.signal)
    .then((response) => `it answered ${response.status}`, (error) => error);
  assert(error instanceof DOMException, `no AbortError: ${error}`);
  assertEquals(error.name, "AbortError");
  const started = Date.now();
  while (true) {
    const { workers } = await health();
    // A worker counts until its last process is gone.
    if (workers.active === 0 && workers.queued === 0) {
      return `no worker left after ${Date.now() - started} ms`;
    }
    assert(
      Date.now() - started < CANCEL_MS,
      `${workers.active} workers, ${workers.queued} waiting left after ${CANCEL_MS} ms`,
    );
    await delay(50);
  }
}

await check("health", checkHealth);
await check("capabilities", checkCapabilities);
await check("generation", checkGeneration);
await check("cancellation", checkCancellation);
console.log(failures === 0 ? "all checks passed" : `${failures} checks failed`);
Deno.exitCode = failures === 0 ? 0 : 1;

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { encode, picture } from "../images/samples.ts";
import { openPlace, type Place } from "../support/place.ts";
import { type ServerProcess, spawnServer } from "../support/server_process.ts";
import { filesIn } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const KEY = "key-marker-5f1c";
const OPENAI_KEY = "openai-marker-9a37";
const CODEX_KEY = "codex-marker-02be";
const PROMPT = "prompt-marker-71d4";
const OTHER_PROMPT = "other-marker-e660";
const LABEL = "label-marker-3c85";
const SOURCE = "source-marker-b2f9";
const FILE_NAME = "file-marker-48a0.png";
const HEADER = "header-marker-d713";
const IN_PICTURE = "picture-marker-6e29";
const QUERY = "query-marker-f05b";

/** What belongs to nobody but the server and its operator. */
const KEYS = [KEY, OPENAI_KEY, CODEX_KEY];
/** What belongs to the caller alone. */
const WORDS = [PROMPT, OTHER_PROMPT, LABEL, SOURCE, FILE_NAME, HEADER, QUERY];

/** Everything that was said, by where it was said. */
type Outputs = Map<string, string>;

Deno.test("no secret comes out where it does not belong", async (test) => {
  // Keys that would change who pays.
  await using place = await openPlace({
    OPENAI_API_KEY: OPENAI_KEY,
    CODEX_API_KEY: CODEX_KEY,
  });
  const logFile = join(place.directory, "server.log");
  const image = await markedPicture();
  const tokens = await tokensOf(place);
  const never = [...KEYS, ...tokens, IN_PICTURE, image.toBase64().slice(0, 60)];
  const errors: Outputs = new Map();
  const general: Outputs = new Map();
  const workers: Outputs = new Map();
  let other = "";
  let log = "";
  {
    await using server = await spawnServer(
      { API_KEY: KEY, LOG_FILE: logFile, PAUSE_ON_USAGE_LIMIT: "0" },
      place,
    );
    const jobId = await drawOne(server, image, workers);
    await provokeErrors(server, image, errors);
    await cancelOne(server);
    other = await drawOther(server);
    for (
      const path of [
        "/healthz",
        "/readyz",
        "/metrics",
        "/v1/capabilities",
        "/v1/images",
        "/openapi.json",
      ]
    ) {
      general.set(path, await (await ask(server, path)).text());
    }
    const own = await (await ask(server, `/v1/jobs/${jobId}`)).text();
    general.set("the job, but for the caller's words", own);
    server.kill("SIGTERM");
    const { stderr } = await server.ended;
    log = server.logText + stderr;
  }
  await test.step("the log has nothing of it", async () => {
    assert(log.split("\n").length > 20);
    assertLacks("standard output", log, [...never, ...WORDS]);
    const file = await Deno.readTextFile(logFile);
    assert(file.length > 1_000);
    assertLacks("the log file", file, [...never, ...WORDS]);
  });
  await test.step("errors have none of the prompt, of keys, tokens and pictures", () => {
    assert(errors.size >= 10);
    for (const [name, text] of errors) {
      assertLacks(name, text, [...never, PROMPT, LABEL, SOURCE, HEADER]);
    }
  });
  await test.step("answers have no key, token or picture", () => {
    for (const [name, text] of general) assertLacks(name, text, never);
    for (const name of ["/healthz", "/readyz", "/metrics"]) {
      assertLacks(name, general.get(name) ?? "", WORDS);
    }
  });
  await test.step("the events of a job have nothing of another", () => {
    assert(other.includes("event:completed"), other);
    assertLacks("the events", other, [...never, PROMPT, LABEL, SOURCE]);
  });
  await test.step("workers have no key in their environment and no words in their arguments", () => {
    assert(workers.size > 0);
    for (const [name, text] of workers) {
      assert(text.includes(" CODEX_HOME="), name);
      assertLacks(name, text, [...never, ...WORDS]);
    }
  });
  await test.step("what stays on disk has no key, token or picture, and sidecars have no prompt", async () => {
    const jobs = join(place.dataDir, "jobs");
    assert(filesIn(jobs).length >= 3);
    for (const name of filesIn(jobs)) {
      assertLacks(name, await Deno.readTextFile(join(jobs, name)), [
        ...never,
        SOURCE,
        HEADER,
      ]);
    }
    const sidecars = filesIn(place.outputDir)
      .filter((name) => name.endsWith(".json"));
    assertEquals(sidecars.length, 2);
    for (const name of sidecars) {
      const text = await Deno.readTextFile(join(place.outputDir, name));
      assertLacks(name, text, [...never, PROMPT, OTHER_PROMPT]);
    }
    const home = join(place.dataDir, "codex-home");
    for await (const [name, text] of textsBelow(home)) {
      assertLacks(name, text, [...KEYS, PROMPT, OTHER_PROMPT, IN_PICTURE]);
    }
  });
});

/** Draws one picture with all markers, and looks at the workers meanwhile. */
async function drawOne(
  server: ServerProcess,
  image: Uint8Array<ArrayBuffer>,
  workers: Outputs,
): Promise<string> {
  const form = new FormData();
  form.set("prompt", `${PROMPT} sandbox:slow=1500`);
  form.set("reference", new Blob([image], { type: "image/png" }), FILE_NAME);
  const drawing = ask(server, `/v1/images/generate?${QUERY}`, {
    method: "POST",
    body: form,
  });
  await until(() =>
    server.place.sandbox.record.to("/v1/images/edits").length > 0
  );
  for (const { command, environment, pid } of await server.processes()) {
    workers.set(`process ${pid}`, `${command} ${environment}`);
  }
  const response = await drawing;
  const body = await response.json();
  assertEquals(response.status, 200, JSON.stringify(body));
  assertEquals(body.references.length, 1);
  return body.id;
}

async function provokeErrors(
  server: ServerProcess,
  image: Uint8Array<ArrayBuffer>,
  errors: Outputs,
): Promise<void> {
  const url = `data:image/png;base64,${image.toBase64()}`;
  const reference = { image: url, label: LABEL, source: SOURCE };
  const bodies: Readonly<Record<string, unknown>> = {
    "no JSON": `{"prompt": "${PROMPT}`,
    "not UTF-8": new Uint8Array([...new TextEncoder().encode(PROMPT), 0xff]),
    "a bad prompt": { prompt: `${PROMPT}\0` },
    "a long prompt": { prompt: PROMPT.repeat(2_000) },
    "a bad size": { prompt: PROMPT, size: "1x1" },
    // These name what they do not understand to the caller, and to the caller alone.
    "words for a size": { prompt: PROMPT, size: `${QUERY} as a size` },
    "an unknown field": { prompt: PROMPT, [`${QUERY} field`]: 1 },
    "a cut reference": {
      prompt: PROMPT,
      references: [{ ...reference, image: url.slice(0, -40) }],
    },
    "bad base64": { prompt: PROMPT, references: [{ image: `${url}@` }] },
    "moderation": { prompt: `${PROMPT} sandbox:moderation` },
    "a refusal": {
      prompt: `${PROMPT} sandbox:refuse`,
      references: [reference],
    },
    "a truncated image": { prompt: `${PROMPT} sandbox:truncated` },
    "no tool": { prompt: `${PROMPT} sandbox:no-tool` },
    "a usage limit": { prompt: `${PROMPT} sandbox:image-usage-limit` },
  };
  await Promise.all(
    Object.entries(bodies).map(async ([name, body]) => {
      const raw = typeof body === "string" || body instanceof Uint8Array;
      const response = await ask(server, "/v1/images/generate", {
        method: "POST",
        body: raw ? body as BodyInit : JSON.stringify(body),
        headers: { "content-type": "application/json" },
      });
      const text = await response.text();
      assert(response.status >= 400, `${name}: ${response.status}`);
      errors.set(name, text);
    }),
  );
  const without = await fetch(`${server.url}/v1/jobs`, {
    headers: { "x-api-key": `${KEY}x` },
  });
  errors.set("a wrong key", await without.text());
  const host = await ask(server, "/v1/jobs", {
    headers: { origin: "https://a.example", "x-extra": HEADER },
  });
  errors.set("a strange origin", await host.text());
}

async function cancelOne(server: ServerProcess): Promise<void> {
  const caller = new AbortController();
  const drawn = server.place.sandbox.record.to("/v1/images/generations").length;
  const canceled = ask(server, "/v1/images/generate", {
    method: "POST",
    body: JSON.stringify({ prompt: `${PROMPT} sandbox:hang` }),
    headers: { "content-type": "application/json" },
    signal: caller.signal,
  }).catch(({ name }) => name);
  await server.untilDrawing(drawn + 1);
  caller.abort();
  assertEquals(await canceled, "AbortError");
}

async function drawOther(server: ServerProcess): Promise<string> {
  const response = await ask(server, "/v1/images/generate", {
    method: "POST",
    body: JSON.stringify({ prompt: OTHER_PROMPT }),
    headers: {
      "content-type": "application/json",
      "accept": "text/event-stream",
      "idempotency-key": HEADER,
    },
  });
  return await response.text();
}

function ask(
  server: ServerProcess,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("x-api-key", KEY);
  headers.set("x-extra", HEADER);
  return fetch(server.url + path, { ...init, headers });
}

/** A picture that holds a marker in its metadata. */
async function markedPicture(): Promise<Uint8Array<ArrayBuffer>> {
  return await encode(
    picture().png().withExif({ IFD0: { Copyright: IN_PICTURE } }),
  );
}

/** The parts of the login that are secret. */
async function tokensOf({ authHome }: Place): Promise<string[]> {
  const text = await Deno.readTextFile(join(authHome, "auth.json"));
  const { access_token, refresh_token } = JSON.parse(text).tokens;
  assert(refresh_token.length > 8);
  return [access_token.slice(0, 60), refresh_token];
}

function assertLacks(
  name: string,
  text: string,
  secrets: readonly string[],
): void {
  const found = secrets.filter((secret) => text.includes(secret));
  assertEquals(found, [], name);
}

/** The files below a directory as text; links are not followed. */
async function* textsBelow(
  directory: string,
): AsyncGenerator<[path: string, text: string]> {
  for await (const { isDirectory, isFile, name } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isDirectory) yield* textsBelow(path);
    if (isFile) {
      yield [path, new TextDecoder("latin1").decode(await Deno.readFile(path))];
    }
  }
}

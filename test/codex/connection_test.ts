import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { ApiError } from "../../src/errors.ts";
import { startSandbox } from "../../src/sandbox/backend.ts";
import { startStopwatch } from "../../src/util.ts";
import { openCodex } from "../support/codex.ts";
import { cliVariables } from "../support/variables.ts";

const NEVER = new AbortController().signal;
/** How soon a worker without a connection is ended, with ten seconds for a machine that is busy. */
const END_MS = 40_000;
const UNRESOLVED = "http://backend.invalid";

interface Offline {
  readonly name: string;
  readonly upstreamUrl: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What the CLI says. */
  readonly reason: RegExp;
}

Deno.test("Codex.start() ends a worker that has no connection, with the CLI's own reason", async (t) => {
  const cert = await selfSigned();
  await using untrusted = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
    ...cert,
  }, () => new Response());
  const cases: readonly Offline[] = [
    {
      name: "a closed port",
      upstreamUrl: `http://127.0.0.1:${closedPort()}`,
      reason: /Connection refused/,
    },
    {
      name: "a name that does not resolve",
      upstreamUrl: UNRESOLVED,
      reason: /failed to lookup address|Name does not resolve/,
    },
    {
      name: "a proxy that is down",
      upstreamUrl: UNRESOLVED,
      env: { HTTP_PROXY: `http://127.0.0.1:${closedPort()}` },
      reason: /Connection refused/,
    },
    {
      name: "a certificate that is not trusted",
      upstreamUrl: `https://127.0.0.1:${untrusted.addr.port}`,
      reason: /certificate/,
    },
  ];
  const ended = await Promise.all(cases.map(endOf));
  for (const [index, { name, reason }] of cases.entries()) {
    await t.step(name, () => {
      const { failure, ms } = ended[index];
      assertEquals(failure.code, "codex_unreachable");
      assertMatch(failure.message, reason);
      assertEquals(failure.retryAfter, 30);
      assert(ms < END_MS, `${ms} ms`);
    });
  }
});

Deno.test("Codex.start() goes on when the connection comes back in time", async () => {
  const port = closedPort();
  const upstreamUrl = `http://127.0.0.1:${port}`;
  await using opened = await openCodex({ upstreamUrl });
  const worker = opened.codex.start(opened.task("a fox"), NEVER);
  await delay(18_000);
  await using sandbox = startSandbox();
  await using _backend = Deno.serve(
    { hostname: "127.0.0.1", port, onListen: () => {} },
    (request) => forward(request, sandbox.url),
  );
  const { bytes } = await worker.picture;
  assert(bytes.length > 1000);
  await worker.ended;
});

async function endOf(
  { upstreamUrl, env }: Offline,
): Promise<{ readonly failure: ApiError; readonly ms: number }> {
  await using opened = await openCodex({
    upstreamUrl,
    env: { ...cliVariables(), ...env },
  });
  const elapsed = startStopwatch();
  const worker = opened.codex.start(opened.task("a fox"), NEVER);
  const failure = await assertRejects(() => worker.picture, ApiError);
  const ms = elapsed();
  await worker.ended;
  return { failure, ms };
}

async function forward(request: Request, to: string): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const { headers, method } = request;
  const body = method === "POST" ? await request.arrayBuffer() : undefined;
  return await fetch(to + pathname + search, { method, headers, body });
}

function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function selfSigned(): Promise<{ key: string; cert: string }> {
  const directory = await Deno.makeTempDir();
  const [key, cert] = ["key.pem", "cert.pem"].map((name) =>
    `${directory}/${name}`
  );
  // deno-fmt-ignore
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", cert];
  const { success } = await new Deno.Command("openssl", {
    args,
    stderr: "null",
  }).output();
  assert(success, "openssl makes no certificate");
  const texts = {
    key: await Deno.readTextFile(key),
    cert: await Deno.readTextFile(cert),
  };
  await Deno.remove(directory, { recursive: true });
  return texts;
}

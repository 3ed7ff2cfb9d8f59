import { zstdDecompressSync } from "node:zlib";
import { startSandbox } from "../../src/sandbox/backend.ts";

/** One request of the CLI, whole. */
export interface WholeRequest {
  readonly method: string;
  readonly path: string;
  /** The body, decompressed; undefined where it is no JSON. */
  // deno-lint-ignore no-explicit-any
  readonly json: any;
  /** Bytes of the body, decompressed. */
  readonly bytes: number;
}

/** The sandbox backend behind a proxy that keeps whole requests. */
export interface Recorder extends AsyncDisposable {
  /** Its address. */
  readonly url: string;
  /** What it received, oldest first. */
  readonly requests: WholeRequest[];
}

/** How the answers of the sandbox are changed on their way. */
export interface RecorderOptions {
  /** Changes the model's answer. */
  readonly rewrite?: (answer: string) => string;
}

/** Starts a {@linkcode Recorder} on a free loopback port. */
export function startRecorder(
  { rewrite = (answer) => answer }: RecorderOptions = {},
): Recorder {
  const sandbox = startSandbox();
  const requests: WholeRequest[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { method } = request;
      const { pathname: path } = new URL(request.url);
      const wire = new Uint8Array(await request.arrayBuffer());
      const isPacked = request.headers.get("content-encoding") === "zstd";
      const body = isPacked ? new Uint8Array(zstdDecompressSync(wire)) : wire;
      requests.push({ method, path, json: parse(body), bytes: body.length });
      // A connection that is to become a WebSocket cannot be passed on.
      if (method === "GET" && path === "/v1/responses") {
        return new Response(null, { status: 426 });
      }
      const answer = await fetch(sandbox.url + path, {
        method,
        body: method === "GET" ? undefined : body,
      });
      const headers = new Headers(answer.headers);
      if (method !== "POST" || path !== "/v1/responses") {
        return new Response(answer.body, { status: answer.status, headers });
      }
      headers.delete("content-length");
      const text = rewrite(await answer.text());
      return new Response(text, { status: answer.status, headers });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      await sandbox[Symbol.asyncDispose]();
      await server.shutdown();
    },
  };
}

/**
 * Names the tools of a request to the model, those that a program may call among them.
 *
 * @returns Such as `functions.exec` or `tools.apply_patch`, in order of the alphabet.
 */
export function toolNames({ json }: Pick<WholeRequest, "json">): string[] {
  // deno-lint-ignore no-explicit-any
  const offered: any[] = [
    ...json.tools ?? [],
    // deno-lint-ignore no-explicit-any
    ...json.input.flatMap((item: any) => item.tools ?? []),
  ];
  const names = offered.flatMap((tool) =>
    tool.type === "namespace"
      // deno-lint-ignore no-explicit-any
      ? tool.tools.map(({ name }: any) => `${tool.name}.${name}`)
      : [`${tool.name ?? tool.type}`]
  );
  const nested = JSON.stringify(offered)
    .matchAll(/declare const tools: \{ (\w+)\(/g);
  return [...names, ...[...nested].map(([, name]) => `tools.${name}`)].sort();
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

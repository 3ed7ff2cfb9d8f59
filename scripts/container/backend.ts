/**
 * The sandbox backend with a login service like the real one: it logs in by device code, is slow to
 * refresh, and takes every refresh token once. As a program it takes an address and a port, and prints a
 * line for each refresh.
 */
import { delay } from "@std/async/delay";
import { startSandbox } from "../../src/sandbox/backend.ts";
import { sandboxTokens } from "../../src/sandbox/login.ts";

/** How long a refresh takes, in milliseconds: enough for four workers to ask at once if they may. */
const REFRESH_MS = 400;

/** What a {@linkcode Backend} depends on. */
export interface BackendOptions {
  /** The address to listen on; loopback when left out. */
  readonly hostname?: string;
  /** The port to listen on; a free one when left out. */
  readonly port?: number;
  /** Gets every refresh token that arrives, before it is answered. */
  readonly onRefresh: (token: string) => void;
}

/** A running backend. */
export interface Backend extends AsyncDisposable {
  /** Its address. */
  readonly url: string;
  /** The refresh token that is good now; `token-0` at first. */
  readonly refreshToken: string;
}

/** Starts the backend. */
export function startBackend(options: BackendOptions): Backend {
  const { hostname = "127.0.0.1", port = 0, onRefresh } = options;
  const sandbox = startSandbox();
  const tokens = new RefreshTokens();
  const server = Deno.serve(
    { hostname, port, onListen: () => {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      switch (pathname) {
        case "/api/accounts/deviceauth/usercode":
          return Response.json({
            device_auth_id: "device",
            user_code: "TEST-CODE",
            interval: "1",
          });
        case "/api/accounts/deviceauth/token":
          return Response.json({
            authorization_code: "code",
            code_challenge: "challenge",
            code_verifier: "verifier",
          });
        case "/oauth/token":
          return await answerToken(await request.text(), { tokens, onRefresh });
        default:
          return await forward(request, sandbox.url + pathname + search);
      }
    },
  );
  return {
    url: `http://${hostname}:${server.addr.port}`,
    get refreshToken() {
      return tokens.good;
    },
    [Symbol.asyncDispose]: async () => {
      await server.shutdown();
      await sandbox[Symbol.asyncDispose]();
    },
  };
}

/** One refresh token is good at a time. */
class RefreshTokens {
  #serial = 0;

  get good(): string {
    return `token-${this.#serial}`;
  }

  /** Takes a token and makes the next one good; undefined where it is not the good one. */
  spend(token: string): string | undefined {
    if (token !== this.good) return undefined;
    this.#serial++;
    return this.good;
  }
}

// A refresh is JSON, the first login a form.
async function answerToken(
  body: string,
  { tokens, onRefresh }: {
    readonly tokens: RefreshTokens;
    readonly onRefresh: (token: string) => void;
  },
): Promise<Response> {
  if (!body.startsWith("{")) {
    return Response.json(sandboxTokens({ refreshToken: tokens.good }));
  }
  const token = JSON.parse(body).refresh_token;
  onRefresh(token);
  const refreshToken = tokens.spend(token);
  await delay(REFRESH_MS);
  if (refreshToken !== undefined) {
    return Response.json(sandboxTokens({ refreshToken }));
  }
  const error = { code: "refresh_token_reused", message: "Used already" };
  return Response.json({ error }, { status: 401 });
}

async function forward(request: Request, url: string): Promise<Response> {
  const { headers, method, signal } = request;
  const body = method === "POST" ? await request.arrayBuffer() : undefined;
  try {
    return await fetch(url, { headers, method, signal, body });
  } catch (error) {
    // The CLI went away: nobody reads this answer.
    if (signal.aborted) return new Response(null, { status: 499 });
    throw error;
  }
}

if (import.meta.main) {
  const [hostname, port] = Deno.args;
  startBackend({
    hostname,
    port: Number(port),
    onRefresh: (token) => console.log(`refresh ${token}`),
  });
}

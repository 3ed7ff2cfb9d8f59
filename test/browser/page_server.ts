import { extname, fromFileUrl, join, resolve } from "@std/path";

const PAGES = fromFileUrl(new URL("pages", import.meta.url));
const OPENAI = fromFileUrl(new URL(".", import.meta.resolve("openai7")));
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
};

/** A web site of somebody else on this machine. */
export interface PageServer extends AsyncDisposable {
  /** The port that it listens on. */
  readonly port: number;
  /** Its origin by address, which has the same host as the image server. */
  readonly origin: string;
  /** Its origin by name, which has another host than the image server. */
  readonly namedOrigin: string;
}

/**
 * Serves the files in `pages`, and OpenAI's client in `/openai/`, on a free port.
 *
 * `/redirect?to=URL` sends a request on with its method and body.
 */
export function startPageServer(): PageServer {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    answer,
  );
  const { port } = server.addr;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    namedOrigin: `http://localhost:${port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function answer({ url }: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(url);
  // A sandboxed frame may only load the scripts of an origin that lets everybody.
  const headers = new Headers({ "access-control-allow-origin": "*" });
  const to = searchParams.get("to");
  if (pathname === "/redirect" && to !== null) {
    headers.set("location", to);
    return new Response(null, { status: 307, headers });
  }
  const type = TYPES[extname(pathname)];
  if (type === undefined) return new Response(null, { status: 404, headers });
  headers.set("content-type", type);
  const path = pathname.startsWith("/openai/")
    ? resolve(OPENAI, pathname.slice("/openai/".length))
    : join(PAGES, pathname);
  return new Response(await Deno.readFile(path), { headers });
}

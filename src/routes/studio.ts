/** The page for people: few files, made and compressed when they are first asked for. */
import { ifNoneMatch } from "@std/http/etag";
import { STATUS_CODE } from "@std/http/status";
import { createHash } from "node:crypto";
import { brotliCompressSync, constants } from "node:zlib";
import { withoutSchema } from "../api/openapi.ts";
import type { ApiRoute } from "./route.ts";
import { joinModules, laterNames, MAIN } from "./studio_script.ts";
import { ICON, LIBRARIES, MODULES, PAGE, STYLE } from "./studio_sources.ts";

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  svg: "image/svg+xml",
  ts: "text/javascript; charset=utf-8",
};

/** A file as it is sent. */
interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly compressed: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The routes of the page and of all that it loads, which need no key: the API behind them does. */
export const STUDIO_ROUTES: readonly ApiRoute<never>[] = [
  {
    method: "GET",
    path: "/",
    open: true,
    handler: (request) => show(request, "index.html"),
    operation: {
      id: "showStudio",
      tag: "Server",
      summary: "Use the server by a web page",
      description: "Needs no key; what it asks for does.",
      answers: { 200: withoutSchema("The page", "text/html") },
    },
  },
  ...fileNames().map((name) => ({
    method: "GET" as const,
    path: `/studio/${name}`,
    open: true,
    handler: (request: Request) => show(request, name),
  })),
];

const files = new Map<string, PageFile>();

function fileNames(): string[] {
  return [
    "icon.svg",
    ...laterNames(MODULES).map((name) => name.slice(2)),
  ];
}

function show(request: Request, name: string): Response {
  if (files.size === 0) prepareAll();
  const file = files.get(name);
  if (file === undefined) {
    throw new Error(`Cannot show "${name}": no such file`);
  }
  const headers = new Headers({
    ...file.headers,
    // Asked again each time, and mostly answered without the file.
    "cache-control": "no-cache",
    "etag": file.etag,
    "vary": "Accept-Encoding",
    "x-content-type-options": "nosniff",
  });
  const known = request.headers.get("if-none-match");
  if (known !== null && !ifNoneMatch(known, file.etag)) {
    return new Response(null, { status: STATUS_CODE.NotModified, headers });
  }
  const takesBrotli = /\bbr\b/.test(
    request.headers.get("accept-encoding") ?? "",
  );
  if (takesBrotli) headers.set("content-encoding", "br");
  const body = takesBrotli ? file.compressed : file.bytes;
  headers.set("content-length", `${body.length}`);
  return new Response(body, { headers });
}

function prepareAll(): void {
  const scripts = joinModules(MODULES, {
    libraries: LIBRARIES,
    folder: "./studio/",
  });
  for (const name of laterNames(MODULES)) {
    files.set(name.slice(2), prepare(name, scripts[name]));
  }
  files.set("icon.svg", prepare("icon.svg", ICON));
  const script = scripts[MAIN];
  files.set(
    "index.html",
    prepare("index.html", insert({ script, style: STYLE }), {
      "content-security-policy": policy({ script, style: STYLE }),
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
    }),
  );
}

/** Puts what a page needs at once into it: to ask for more takes as long as to run it. */
function insert(parts: Readonly<Record<string, string>>): string {
  let page = PAGE;
  for (const [name, text] of Object.entries(parts)) {
    const end = `</${name}>`;
    if (text.includes(end)) {
      throw new Error(`Cannot put a ${name} into the page: it has "${end}"`);
    }
    page = page.replace(end, () => text + end);
  }
  return page;
}

function policy(
  { script, style }: { readonly script: string; readonly style: string },
): string {
  return [
    "default-src 'none'",
    `script-src 'self' ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "img-src 'self' blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

function prepare(
  name: string,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): PageFile {
  const bytes = new TextEncoder().encode(text);
  const digest = createHash("sha256").update(bytes).digest("base64url");
  const ending = name.slice(name.lastIndexOf(".") + 1);
  return {
    bytes,
    compressed: compress(bytes),
    etag: `"${digest.slice(0, 22)}"`,
    headers: { "content-type": TYPES[ending], ...headers },
  };
}

// More effort would take a second for all files, and save a tenth.
function compress(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 5 };
  return new Uint8Array(brotliCompressSync(bytes, { params }));
}

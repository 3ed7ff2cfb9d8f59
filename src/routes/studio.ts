/** The page for people: its files as they are, types stripped and compressed when they are first asked for. */
import { ifNoneMatch } from "@std/http/etag";
import { STATUS_CODE } from "@std/http/status";
import { createHash } from "node:crypto";
import { stripTypeScriptTypes } from "node:module";
import { brotliCompressSync, constants } from "node:zlib";
import signalsCore from "@preact/signals-core" with { type: "text" };
import signals from "@preact/signals" with { type: "text" };
import hooks from "preact/hooks" with { type: "text" };
import preact from "preact" with { type: "text" };
import { withoutSchema } from "../api/openapi.ts";
import type { ApiRoute } from "./route.ts";
import actionsModule from "../studio/actions.ts" with { type: "text" };
import announceModule from "../studio/announce.ts" with { type: "text" };
import apiModule from "../studio/api.ts" with { type: "text" };
import bannersModule from "../studio/banners.ts" with { type: "text" };
import baseStyle from "../studio/base.css" with { type: "text" };
import clipboardModule from "../studio/clipboard.ts" with { type: "text" };
import clockModule from "../studio/clock.ts" with { type: "text" };
import closeupModule from "../studio/closeup.ts" with { type: "text" };
import closeupViewModule from "../studio/closeup_view.ts" with { type: "text" };
import codePanelModule from "../studio/code_panel.ts" with { type: "text" };
import codeSamplesModule from "../studio/code_samples.ts" with { type: "text" };
import composerModule from "../studio/composer.ts" with { type: "text" };
import createStyle from "../studio/create.css" with { type: "text" };
import detailsModule from "../studio/details.ts" with { type: "text" };
import dialogsModule from "../studio/dialogs.ts" with { type: "text" };
import domModule from "../studio/dom.ts" with { type: "text" };
import draftModule from "../studio/draft.ts" with { type: "text" };
import eventsModule from "../studio/events.ts" with { type: "text" };
import formatModule from "../studio/format.ts" with { type: "text" };
import iconPicture from "../studio/icon.svg" with { type: "text" };
import indexPage from "../studio/index.html" with { type: "text" };
import keysModule from "../studio/keys.ts" with { type: "text" };
import lazyModule from "../studio/lazy.ts" with { type: "text" };
import libraryModule from "../studio/library.ts" with { type: "text" };
import libraryRowsModule from "../studio/library_rows.ts" with { type: "text" };
import libraryViewModule from "../studio/library_view.ts" with { type: "text" };
import lookStyle from "../studio/look.css" with { type: "text" };
import mainModule from "../studio/main.ts" with { type: "text" };
import pictureModule from "../studio/picture.ts" with { type: "text" };
import referenceFieldModule from "../studio/reference_field.ts" with {
  type: "text",
};
import referencesModule from "../studio/references.ts" with { type: "text" };
import runSlotsModule from "../studio/run_slots.ts" with { type: "text" };
import runViewModule from "../studio/run_view.ts" with { type: "text" };
import runsModule from "../studio/runs.ts" with { type: "text" };
import serverModule from "../studio/server.ts" with { type: "text" };
import settingsFieldsModule from "../studio/settings_fields.ts" with {
  type: "text",
};
import sizesModule from "../studio/sizes.ts" with { type: "text" };
import storageModule from "../studio/storage.ts" with { type: "text" };
import toastModule from "../studio/toast.ts" with { type: "text" };

/** The files of the page; it loads nothing else. */
const SOURCES: Readonly<Record<string, string>> = {
  "actions.ts": actionsModule,
  "announce.ts": announceModule,
  "api.ts": apiModule,
  "banners.ts": bannersModule,
  "base.css": baseStyle,
  "clipboard.ts": clipboardModule,
  "clock.ts": clockModule,
  "closeup.ts": closeupModule,
  "closeup_view.ts": closeupViewModule,
  "code_panel.ts": codePanelModule,
  "code_samples.ts": codeSamplesModule,
  "composer.ts": composerModule,
  "create.css": createStyle,
  "details.ts": detailsModule,
  "dialogs.ts": dialogsModule,
  "dom.ts": domModule,
  "draft.ts": draftModule,
  "events.ts": eventsModule,
  "format.ts": formatModule,
  "icon.svg": iconPicture,
  "index.html": indexPage,
  "keys.ts": keysModule,
  "lazy.ts": lazyModule,
  "library.ts": libraryModule,
  "library_rows.ts": libraryRowsModule,
  "library_view.ts": libraryViewModule,
  "look.css": lookStyle,
  "main.ts": mainModule,
  "picture.ts": pictureModule,
  "reference_field.ts": referenceFieldModule,
  "references.ts": referencesModule,
  "run_slots.ts": runSlotsModule,
  "run_view.ts": runViewModule,
  "runs.ts": runsModule,
  "server.ts": serverModule,
  "settings_fields.ts": settingsFieldsModule,
  "sizes.ts": sizesModule,
  "storage.ts": storageModule,
  "toast.ts": toastModule,
};

/** What the modules of the page import by name. */
const LIBRARIES: Readonly<Record<string, string>> = {
  "preact": preact,
  "preact/hooks": hooks,
  "@preact/signals": signals,
  "@preact/signals-core": signalsCore,
};

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  svg: "image/svg+xml",
  ts: "text/javascript; charset=utf-8",
  js: "text/javascript; charset=utf-8",
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
  ...[...Object.keys(SOURCES), ...Object.keys(LIBRARIES).map(libraryFile)]
    .filter((name) => name !== "index.html")
    .map((name) => ({
      method: "GET" as const,
      path: `/studio/${name}`,
      open: true,
      handler: (request: Request) => show(request, name),
    })),
];

const files = new Map<string, PageFile>();

/** Removes types and documentation from a module; every line stays where it is. */
export function stripTypes(source: string): string {
  return stripTypeScriptTypes(source)
    .replace(/^ *\/\*\*.*?\*\/$/gms, (comment) => comment.replace(/.+/g, ""))
    .replace(/ +$/gm, "");
}

function show(request: Request, name: string): Response {
  const file = files.get(name) ?? prepare(name);
  files.set(name, file);
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

function prepare(name: string): PageFile {
  const library = Object.keys(LIBRARIES).find((one) =>
    libraryFile(one) === name
  );
  const source = library === undefined ? SOURCES[name] : LIBRARIES[library];
  const ending = name.slice(name.lastIndexOf(".") + 1);
  const headers: Record<string, string> = { "content-type": TYPES[ending] };
  let text = source;
  if (ending === "ts") text = stripTypes(source);
  // It names a file that is not there.
  if (ending === "js") text = source.replace(/\/\/# sourceMappingURL=.*/, "");
  if (ending === "html") {
    text = source.replace("<!-- modules -->", modules());
    headers["content-security-policy"] = policy();
    headers["referrer-policy"] = "no-referrer";
    headers["cross-origin-opener-policy"] = "same-origin";
  }
  const bytes = new TextEncoder().encode(text);
  const compressed = compress(bytes);
  const digest = createHash("sha256").update(bytes).digest("base64url");
  return { bytes, compressed, etag: `"${digest.slice(0, 22)}"`, headers };
}

// More effort would take a second for all files, and save a tenth.
function compress(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 5 };
  return new Uint8Array(brotliCompressSync(bytes, { params }));
}

/** All modules that are needed at once are named in the page, so that none waits for another to be read. */
function modules(): string {
  const names = [
    ...Object.keys(LIBRARIES).map(libraryFile),
    ...importsOf("main.ts"),
  ];
  return [
    `<script type="importmap">${importMap()}</script>`,
    ...names.map((name) => `<link rel="modulepreload" href="studio/${name}">`),
  ].join("\n    ");
}

/** Names a module and all that it imports, but for what it loads later. */
function importsOf(name: string, known = new Set([name])): Set<string> {
  const found = stripTypes(SOURCES[name]).matchAll(/ from "\.\/(\w+\.ts)";/g);
  for (const [, other] of found) {
    if (known.has(other)) continue;
    known.add(other);
    importsOf(other, known);
  }
  return known;
}

function importMap(): string {
  const imports = Object.fromEntries(
    Object.keys(LIBRARIES).map((name) => [
      name,
      `./studio/${libraryFile(name)}`,
    ]),
  );
  return JSON.stringify({ imports });
}

function policy(): string {
  const digest = createHash("sha256").update(importMap()).digest("base64");
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${digest}'`,
    "style-src 'self'",
    "img-src 'self' blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
}

function libraryFile(name: string): string {
  return `${name.replace("@", "").replaceAll("/", "_")}.js`;
}

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { readConfig } from "../../src/config.ts";
import { ApiError, type ErrorCode, toApiError } from "../../src/errors.ts";
import { errorResponse } from "../../src/http/error_response.ts";
import { createGuard, type GuardOptions } from "../../src/http/guard.ts";
import { PREFIX } from "../../src/settings.ts";
import type { TestSettings } from "../support/place.ts";
import { exchange } from "./_raw.ts";

interface Case {
  /** What the test is called. */
  readonly title: string;
  /** The headers of the request; `host` is a good one where it is left out, and none where it is empty. */
  readonly headers: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly path?: string;
  /** What differs from the rules of {@linkcode RULES}. */
  readonly rules?: Partial<GuardOptions>;
  /** Status and code of the refusal, or nothing for a request that is let in. */
  readonly refusal?: readonly [number, ErrorCode];
}

const RULES: GuardOptions = {
  port: 17341,
  allowedHosts: [
    "host.docker.internal",
    "Example.test:8080",
    "[fd00::1]",
    "nas:80",
    "dotted.",
  ],
  allowedOrigins: [
    "https://example.com",
    "http://localhost:3000",
    "https://xn--bcher-kva.example",
    "app://obsidian.md",
    "file://",
    "chrome-extension://*",
    "null",
  ],
  openPaths: ["/healthz", "/readyz"],
};
const KEY = "s3cret-key";
const WITH_KEY = { apiKey: KEY };
const HERE = "127.0.0.1:17341";
const ALLOWED = "https://example.com";
const EVIL = "https://evil.example";
const LINK = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
const PICTURE = {
  "sec-fetch-site": "cross-site",
  "sec-fetch-mode": "no-cors",
  "sec-fetch-dest": "image",
};
const FORBIDDEN_HOST = [403, "forbidden_host"] as const;
const FORBIDDEN_ORIGIN = [403, "forbidden_origin"] as const;
const UNAUTHORIZED = [401, "unauthorized"] as const;

const HOSTS_LET_IN = [
  "127.0.0.1:17341",
  "localhost:17341",
  "LocalHost:17341",
  "[::1]:17341",
  "host.docker.internal",
  "host.docker.internal:17341",
  "HOST.docker.internal:9",
  "example.test:8080",
  "[fd00::1]",
  "[fd00::1]:17341",
  "nas",
  "nas:80",
  "dotted.:17341",
];
const HOSTS_REFUSED = [
  "evil.example",
  "evil.example:17341",
  "127.0.0.1",
  "127.0.0.1:17342",
  "127.0.0.1:017341",
  "127.0.0.1:17341:17341",
  "127.0.0.1:17341@evil.example",
  "127.0.0.1:17341.evil.example",
  "evil.example/127.0.0.1:17341",
  "127.1:17341",
  "0.0.0.0:17341",
  "localhost",
  "localhost.:17341",
  "::1:17341",
  "[::1]",
  "[::1]:80",
  "example.test",
  "example.test:8081",
  "example.test:8080:80",
  "nas:81",
  "dotted",
  "host.docker.internal.:17341",
  "host.docker.internal:",
  "host.docker.internal:80:80",
  "host.docker.internal:123456",
  "host.docker.internal.evil.example",
  "127.0.0.1:17341, evil.example",
];
const ORIGINS_LET_IN = [
  "https://example.com",
  "http://localhost:3000",
  "http://127.0.0.1:17341",
  "http://localhost:17341",
  "http://[::1]:17341",
  "http://example.test:8080",
  "HTTPS://EXAMPLE.com",
  "https://example.com:443",
  "https://xn--bcher-kva.example",
  "app://obsidian.md",
  "file://",
  "chrome-extension://abcdefghijklmnop",
];
const ORIGINS_REFUSED = [
  "https://evil.example",
  "http://example.com",
  "https://example.com:444",
  "https://example.com.evil.example",
  "https://example.com, https://evil.example",
  "http://localhost:3001",
  "http://127.0.0.1",
  "http://127.0.0.1:3000",
  "https://127.0.0.1:17341",
  "file://127.0.0.1:17341",
  "127.0.0.1:17341",
  "http://host.docker.internal",
  "http://host.docker.internal:9",
  "http://example.test",
  "app://obsidian.md.evil.example",
  "app://other",
  "app://obsidian.md/x",
  "tauri://localhost",
  "moz-extension://abcdef",
  "xchrome-extension://abcdef",
  "file:///etc",
  "*",
  "https://*",
  "https://example.com https://evil.example",
  "",
];
const NAMELESS = [
  "null",
  "app://other",
  "tauri://localhost",
  "vscode-webview://1a2b",
  "capacitor://localhost",
  "file://",
];
const METHODS = ["GET", "HEAD", "POST", "DELETE", "OPTIONS"];
const BRING_KEY: readonly Case["headers"][] = [
  { "x-api-key": KEY },
  { "api-key": KEY },
  { "authorization": `Bearer ${KEY}` },
  { "authorization": `bearer  ${KEY}` },
  { "authorization": "Bearer sk-dummy", "api-key": KEY },
  { "x-api-key": "other", "authorization": `Bearer ${KEY}` },
];
const BRING_NO_KEY: readonly Case["headers"][] = [
  {},
  { "x-api-key": "" },
  { "x-api-key": "s3cret-kez" },
  { "x-api-key": `${KEY}x` },
  { "x-api-key": KEY.slice(1) },
  { "x-api-key": KEY.toUpperCase() },
  { "x-api-key": `${KEY}, ${KEY}` },
  { "authorization": KEY },
  { "authorization": `Basic ${KEY}` },
  { "authorization": `Bearer${KEY}` },
  { "authorization": "Bearer " },
  { "cookie": `x-api-key=${KEY}` },
];

const CASES: readonly Case[] = [
  ...HOSTS_LET_IN.map((host) => ({
    title: `lets in Host ${host}`,
    headers: { host },
  })),
  ...HOSTS_REFUSED.map((host) => ({
    title: `refuses Host ${host}`,
    headers: { host },
    refusal: FORBIDDEN_HOST,
  })),
  {
    title: "refuses a request without Host",
    headers: { host: "" },
    refusal: [400, "forbidden_host"],
  },
  ...["127.0.0.1", "localhost", "[::1]", "localhost:80"].map((host) => ({
    title: `lets in Host ${host} at port 80`,
    headers: { host },
    rules: { port: 80 },
  })),
  {
    title: "refuses a bad Host before all else",
    headers: { host: "evil.example", origin: EVIL },
    path: "/healthz",
    rules: WITH_KEY,
    refusal: FORBIDDEN_HOST,
  },
  {
    title: "refuses a preflight to a bad Host",
    headers: {
      host: "evil.example",
      origin: ALLOWED,
      "access-control-request-method": "POST",
    },
    method: "OPTIONS",
    refusal: FORBIDDEN_HOST,
  },
  ...ORIGINS_LET_IN.map((origin) => ({
    title: `lets in Origin ${origin}`,
    headers: { origin },
  })),
  ...ORIGINS_REFUSED.map((origin) => ({
    title: `refuses Origin "${origin}"`,
    headers: { origin },
    refusal: FORBIDDEN_ORIGIN,
  })),
  {
    title: "lets in its own page under an allowed Host",
    headers: {
      host: "host.docker.internal:9",
      origin: "http://host.docker.internal:9",
    },
  },
  {
    title: "refuses a page at another port of an allowed Host",
    headers: {
      host: "host.docker.internal:9",
      origin: "http://host.docker.internal:8",
    },
    refusal: FORBIDDEN_ORIGIN,
  },
  ...METHODS.map((method) => ({
    title: `refuses a strange Origin for ${method}`,
    headers: { origin: EVIL },
    method,
    refusal: FORBIDDEN_ORIGIN,
  })),
  {
    title: "refuses a strange Origin at an open path",
    headers: { origin: EVIL },
    path: "/healthz",
    refusal: FORBIDDEN_ORIGIN,
  },
  {
    title: "refuses a strange Origin that brings the key",
    headers: { origin: EVIL, "x-api-key": KEY },
    rules: WITH_KEY,
    refusal: FORBIDDEN_ORIGIN,
  },
  {
    title: "refuses a strange Origin with a same-origin mark",
    headers: { origin: EVIL, "sec-fetch-site": "same-origin" },
    refusal: FORBIDDEN_ORIGIN,
  },
  {
    title: "lets in an allowed Origin of another site",
    headers: { origin: ALLOWED, "sec-fetch-site": "cross-site" },
  },
  {
    title: "refuses Origin null where there is no key",
    headers: { origin: "null", "x-api-key": KEY },
    refusal: FORBIDDEN_ORIGIN,
  },
  {
    title: "refuses Origin null without the key",
    headers: { origin: "null" },
    rules: WITH_KEY,
    refusal: FORBIDDEN_ORIGIN,
  },
  {
    title: "refuses Origin null with a wrong key",
    headers: { origin: "null", "x-api-key": "other" },
    rules: WITH_KEY,
    refusal: FORBIDDEN_ORIGIN,
  },
  {
    title: "refuses Origin null without the key at an open path",
    headers: { origin: "null" },
    path: "/healthz",
    rules: WITH_KEY,
    refusal: FORBIDDEN_ORIGIN,
  },
  {
    title: "lets in Origin null with the key",
    headers: { origin: "null", "x-api-key": KEY },
    rules: { ...WITH_KEY, allowedOrigins: [] },
  },
  ...NAMELESS.flatMap((origin) => {
    const rules = { ...WITH_KEY, allowedOrigins: [] };
    return [
      {
        title: `lets in Origin ${origin} with the key alone`,
        headers: { origin, "x-api-key": KEY },
        rules,
      },
      {
        title: `refuses Origin ${origin} with a wrong key alone`,
        headers: { origin, "x-api-key": "other" },
        rules,
        refusal: FORBIDDEN_ORIGIN,
      },
    ];
  }),
  ...["*", "https://*"].flatMap((value) => {
    const rules = { ...WITH_KEY, allowedOrigins: [value] };
    return [
      {
        title: `lets in any page with the key where ${value} is allowed`,
        headers: { origin: EVIL, "x-api-key": KEY },
        rules,
      },
      {
        title: `needs the key of any page where ${value} is allowed`,
        headers: { origin: EVIL },
        rules,
        refusal: UNAUTHORIZED,
      },
    ];
  }),
  ...["same-origin", "none"].map((site) => ({
    title: `lets in Sec-Fetch-Site ${site}`,
    headers: { "sec-fetch-site": site, "sec-fetch-mode": "no-cors" },
  })),
  ...["cross-site", "same-site", "of-the-future"].map((site) => ({
    title: `refuses Sec-Fetch-Site ${site}, such as of a picture`,
    headers: {
      "sec-fetch-site": site,
      "sec-fetch-mode": "no-cors",
      "sec-fetch-dest": "image",
    },
    refusal: FORBIDDEN_ORIGIN,
  })),
  ...["GET", "HEAD"].map((method) => ({
    title: `lets an allowed page show a picture by ${method}`,
    headers: { ...PICTURE, referer: `${ALLOWED}/gallery?page=2` },
    method,
  })),
  ...[
    EVIL,
    "null",
    "about:blank",
    `${EVIL}/${ALLOWED}`,
    `${ALLOWED}.evil.example/`,
  ]
    .map((referer) => ({
      title: `lets no page at ${referer} show a picture`,
      headers: { ...PICTURE, referer },
      refusal: FORBIDDEN_ORIGIN,
    })),
  {
    title: "refuses a form of a page that tells only where it is",
    headers: { ...PICTURE, referer: `${ALLOWED}/` },
    method: "POST",
    refusal: FORBIDDEN_ORIGIN,
  },
  ...[{}, WITH_KEY].map((rules) => ({
    title: `lets any page show a picture by a signed URL with ${
      JSON.stringify(rules)
    }`,
    headers: PICTURE,
    rules: { ...rules, isSigned: () => true },
  })),
  {
    title: "lets a frame read a picture by a signed URL",
    headers: { origin: "null" },
    rules: { isSigned: () => true },
  },
  {
    title: "refuses a strange Origin that brings a signed URL",
    headers: { origin: EVIL },
    rules: { isSigned: () => true },
    refusal: FORBIDDEN_ORIGIN,
  },
  {
    title: "refuses a bad Host for a signed URL",
    headers: { host: "evil.example" },
    rules: { isSigned: () => true },
    refusal: FORBIDDEN_HOST,
  },
  ...["GET", "HEAD"].map((method) => ({
    title: `lets in a link that is followed by ${method}`,
    headers: { "sec-fetch-site": "cross-site", ...LINK },
    method,
  })),
  {
    title: "refuses a link that is followed by POST",
    headers: { "sec-fetch-site": "cross-site", ...LINK },
    method: "POST",
    refusal: FORBIDDEN_ORIGIN,
  },
  {
    title: "refuses a frame in another page",
    headers: {
      "sec-fetch-site": "cross-site",
      ...LINK,
      "sec-fetch-dest": "iframe",
    },
    refusal: FORBIDDEN_ORIGIN,
  },
  {
    title: "refuses what calls itself a document but is no navigation",
    headers: {
      "sec-fetch-site": "same-site",
      ...LINK,
      "sec-fetch-mode": "no-cors",
    },
    refusal: FORBIDDEN_ORIGIN,
  },
  ...BRING_KEY.map((headers) => ({
    title: `lets in the key as ${JSON.stringify(headers)}`,
    headers,
    rules: WITH_KEY,
  })),
  ...BRING_NO_KEY.map((headers) => ({
    title: `refuses ${JSON.stringify(headers)} where there is a key`,
    headers,
    rules: WITH_KEY,
    refusal: UNAUTHORIZED,
  })),
  {
    title: "lets in any key where there is none",
    headers: { "authorization": "Bearer sk-dummy" },
  },
  {
    title: "needs the key of a link that is followed",
    headers: { "sec-fetch-site": "cross-site", ...LINK },
    rules: WITH_KEY,
    refusal: UNAUTHORIZED,
  },
  {
    title: "needs the key of its own pages",
    headers: { origin: `http://${HERE}`, "sec-fetch-site": "same-origin" },
    rules: WITH_KEY,
    refusal: UNAUTHORIZED,
  },
  {
    title: "needs the key for OPTIONS that is no preflight",
    headers: { origin: ALLOWED },
    method: "OPTIONS",
    rules: WITH_KEY,
    refusal: UNAUTHORIZED,
  },
  {
    title: "needs the key for a preflight header without Origin",
    headers: { "access-control-request-method": "POST" },
    method: "OPTIONS",
    rules: WITH_KEY,
    refusal: UNAUTHORIZED,
  },
  ...["/healthz", "/readyz", "/healthz?a=b"].map((path) => ({
    title: `needs no key at ${path}`,
    headers: {},
    path,
    rules: WITH_KEY,
  })),
  ...["/", "/healthz/", "/Healthz", "/healthz/x", "//healthz", "/%68ealthz"]
    .map((path) => ({
      title: `needs the key at ${path}`,
      headers: {},
      path,
      rules: WITH_KEY,
      refusal: UNAUTHORIZED,
    })),
];

for (const one of CASES) {
  Deno.test(`createGuard() ${one.title}`, async () => {
    const guard = createGuard({ ...RULES, ...one.rules });
    const checking = guard(requestOf(one));
    if (one.refusal === undefined) {
      assert(!(await checking instanceof Response));
      return;
    }
    const failure = await assertRejects(() => checking, ApiError);
    const response = errorResponse(failure, "req_1");
    const { error } = await response.json();
    assertEquals([response.status, error.code], [...one.refusal]);
  });
}

Deno.test("createGuard() asks for the port when a request comes", async () => {
  let port = 1;
  const guard = createGuard({ ...RULES, port: () => port });
  await assertRejects(() => guard(request()), ApiError);
  port = 17341;
  assertEquals(await guard(request()), { vary: "Origin" });
});

Deno.test("createGuard() gives the headers that let an allowed page read the answer", async () => {
  const guard = createGuard(RULES);
  assertEquals(await guard(request({ origin: ALLOWED })), {
    "access-control-allow-origin": ALLOWED,
    "access-control-expose-headers":
      "x-request-id, retry-after, location, etag, x-should-retry, x-codex-image-ignored, mcp-session-id",
    "vary": "Origin",
  });
});

Deno.test("createGuard() lets an allowed page read that the key is missing", async () => {
  const guard = createGuard({ ...RULES, apiKey: KEY });
  const failure = await assertRejects(
    () => guard(request({ origin: ALLOWED })),
    ApiError,
  );
  const response = errorResponse(failure, "req_1");
  await response.body?.cancel();
  const { headers } = response;
  assertEquals(headers.get("access-control-allow-origin"), ALLOWED);
  assertEquals(headers.get("www-authenticate"), "Bearer");
});

Deno.test("createGuard() lets no strange page read its refusal", async () => {
  const guard = createGuard(RULES);
  const failure = await assertRejects(
    () => guard(request({ origin: EVIL })),
    ApiError,
  );
  const response = errorResponse(failure, "req_1");
  await response.body?.cancel();
  assertEquals(response.headers.get("access-control-allow-origin"), null);
});

for (
  const [origin, rules] of [
    [ALLOWED, {}],
    [ALLOWED, WITH_KEY],
    ["http://localhost:17341", {}],
    ["null", WITH_KEY],
    ["app://other", WITH_KEY],
    ["chrome-extension://abcdef", {}],
  ] as const
) {
  Deno.test(`createGuard() answers a preflight of ${origin} with ${JSON.stringify(rules)}`, async () => {
    const guard = createGuard({ ...RULES, ...rules });
    const asked = "authorization,content-type,x-stainless-lang";
    const response = await guard(
      preflight(origin, { "access-control-request-headers": asked }),
    );
    assert(response instanceof Response);
    assertEquals(response.status, 204);
    assertEquals(response.body, null);
    assertEquals([...response.headers], [
      ["access-control-allow-headers", asked],
      ["access-control-allow-methods", "DELETE, GET, HEAD, POST"],
      ["access-control-allow-origin", origin],
      ["access-control-max-age", "7200"],
      [
        "vary",
        "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
      ],
    ]);
  });
}

Deno.test("createGuard() allows no headers that a preflight does not ask for", async () => {
  const response = await createGuard(RULES)(preflight(ALLOWED));
  assert(response instanceof Response);
  assertEquals(response.headers.has("access-control-allow-headers"), false);
});

Deno.test("createGuard() grants no access to private networks", async () => {
  const asked = { "access-control-request-private-network": "true" };
  const response = await createGuard(RULES)(preflight(ALLOWED, asked));
  assert(response instanceof Response);
  const names = [...response.headers.keys()];
  assertEquals(names.filter((name) => name.includes("private")), []);
});

for (const origin of [EVIL, "null"]) {
  Deno.test(`createGuard() refuses a preflight of ${origin}`, async () => {
    const guard = createGuard(RULES);
    const failure = await assertRejects(
      () => guard(preflight(origin)),
      ApiError,
    );
    assertEquals(failure.code, "forbidden_origin");
  });
}

Deno.test("createGuard() reads nothing of the body", async () => {
  const body = new ReadableStream({
    pull() {
      throw new Error("The body was read");
    },
  }, { highWaterMark: 0 });
  const headers = { host: HERE };
  const init = { method: "POST", headers, body };
  const sent = new Request(`http://${HERE}/`, init);
  await createGuard(RULES)(sent);
  assertEquals(sent.bodyUsed, false);
});

const REMEDIES: readonly (readonly [Case["headers"], TestSettings, string])[] =
  [
    [
      { host: "nas:9" },
      {},
      "to admit it set CODEX_IMAGE_SERVER_ALLOWED_HOSTS=nas:9",
    ],
    [
      { host: "[::1]" },
      {},
      "to admit it set CODEX_IMAGE_SERVER_ALLOWED_HOSTS=[::1]",
    ],
    [
      { host: "LocalHost.:17341" },
      { ALLOWED_HOSTS: "nas" },
      "to admit it add localhost.:17341 to CODEX_IMAGE_SERVER_ALLOWED_HOSTS",
    ],
    [
      { origin: "HTTPS://Evil.example:443" },
      {},
      "to admit it set CODEX_IMAGE_SERVER_ALLOWED_ORIGINS=https://evil.example",
    ],
    [
      { origin: EVIL, "x-api-key": KEY },
      { API_KEY: KEY, ALLOWED_ORIGINS: "app://a" },
      "to admit it add https://evil.example to CODEX_IMAGE_SERVER_ALLOWED_ORIGINS",
    ],
    [
      { ...PICTURE, referer: `${EVIL}/a` },
      {},
      "to admit it set CODEX_IMAGE_SERVER_ALLOWED_ORIGINS=https://evil.example",
    ],
    [
      { origin: "null" },
      {},
      "set CODEX_IMAGE_SERVER_API_KEY and send that key as X-API-Key",
    ],
    [
      { origin: "null" },
      { API_KEY: KEY },
      "send the key of CODEX_IMAGE_SERVER_API_KEY as X-API-Key",
    ],
    [
      { origin: "app://obsidian.md" },
      {},
      "set CODEX_IMAGE_SERVER_API_KEY and send that key as X-API-Key, or to admit it set CODEX_IMAGE_SERVER_ALLOWED_ORIGINS=app://obsidian.md",
    ],
    [
      { origin: "file://" },
      { API_KEY: KEY },
      "send the key of CODEX_IMAGE_SERVER_API_KEY as X-API-Key, or to admit it set CODEX_IMAGE_SERVER_ALLOWED_ORIGINS=file://",
    ],
  ];

for (const [headers, settings, remedy] of REMEDIES) {
  Deno.test(`createGuard() tells ${JSON.stringify(headers)} with ${JSON.stringify(settings)} what lets it in`, async () => {
    const refusal = await assertRejects(
      () => attempt(headers, settings),
      ApiError,
    );
    assert(refusal.message.endsWith(`: ${remedy}`), refusal.message);
    for (const one of remedy.split(", or ")) {
      await attempt(...follow(one, headers, settings));
    }
  });
}

const ODD: readonly Case["headers"][] = [
  { host: "evil.example/127.0.0.1:17341" },
  { host: "nas:65536" },
  { origin: "https://a.example, https://b.example" },
  { origin: "app://obsidian.md/x" },
  { origin: "https://a.example/x" },
  { origin: "" },
];

for (const headers of ODD) {
  Deno.test(`createGuard() names no setting for ${JSON.stringify(headers)}`, async () => {
    const refusal = await assertRejects(() => attempt(headers, {}), ApiError);
    assertEquals(refusal.message.includes("CODEX_IMAGE_SERVER"), false);
  });
}

const TARGETS: readonly (readonly [string, string])[] = [
  ["GET / HTTP/1.1\r\nHost: HERE", "204 No Content"],
  ["GET / HTTP/1.1\r\nHost: evil.example", "403 forbidden_host"],
  ["GET / HTTP/1.1\r\nAccept: */*", "400 forbidden_host"],
  ["GET / HTTP/1.0\r\nAccept: */*", "400 forbidden_host"],
  ["GET / HTTP/1.1\r\nHost:", "400 forbidden_host"],
  [
    "GET http://HERE/ HTTP/1.1\r\nHost: evil.example",
    "403 forbidden_host",
  ],
  ["GET http://HERE/ HTTP/1.1\r\nAccept: */*", "400 forbidden_host"],
  ["GET http://evil.example/ HTTP/1.1\r\nHost: HERE", "204 No Content"],
];

for (const [head, expected] of TARGETS) {
  Deno.test(`createGuard() on the wire answers ${JSON.stringify(head)} with ${expected}`, async () => {
    const guard = createGuard({ ...RULES, port: () => server.addr.port });
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        try {
          await guard(request);
          return new Response(null, { status: 204 });
        } catch (error) {
          const response = errorResponse(toApiError(error), "req_1");
          const { code } = (await response.json()).error;
          return new Response(`${response.status} ${code}`);
        }
      },
    );
    const { port } = server.addr;
    const text = head.replaceAll("HERE", `127.0.0.1:${port}`);
    const answer = await exchange(
      port,
      `${text}\r\nConnection: close\r\n\r\n`,
    );
    assert(answer.includes(expected), answer);
  });
}

/** Asks the guard of a server with some settings. */
async function attempt(
  headers: Case["headers"],
  settings: TestSettings,
): Promise<void> {
  const env = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [PREFIX + name, value]),
  );
  const { config } = readConfig(env, "/");
  const guard = createGuard({ ...config, openPaths: [] });
  await guard(request(headers));
}

/** Does what a refusal says, and nothing else. */
function follow(
  remedy: string,
  headers: Case["headers"],
  settings: TestSettings,
): Parameters<typeof attempt> {
  const [, name, value] = /CODEX_IMAGE_SERVER_(\w+)=(\S+)$/.exec(remedy) ?? [];
  if (name !== undefined) return attemptWith({ [name]: value });
  const [, more, list] =
    /add (\S+) to CODEX_IMAGE_SERVER_(\w+)$/.exec(remedy) ??
      [];
  if (more !== undefined) {
    return attemptWith({ [list]: `${settings[list]},${more}` });
  }
  assertMatch(remedy, /key .*as X-API-Key$/);
  return [{ ...headers, "x-api-key": KEY }, { ...settings, API_KEY: KEY }];

  function attemptWith(change: TestSettings): Parameters<typeof attempt> {
    const isSent = settings.API_KEY !== undefined;
    const key: Case["headers"] = isSent ? { "x-api-key": KEY } : {};
    return [{ ...headers, ...key }, { ...settings, ...change }];
  }
}

function requestOf({ headers, method, path = "/v1/models" }: Case): Request {
  const sent = new Headers({ host: HERE, ...headers });
  if (sent.get("host") === "") sent.delete("host");
  const url = `http://${HERE}${path}`;
  return new Request(url, { method, headers: sent });
}

function request(headers: Readonly<Record<string, string>> = {}): Request {
  return requestOf({ title: "", headers });
}

function preflight(
  origin: string,
  headers: Readonly<Record<string, string>> = {},
): Request {
  return requestOf({
    title: "",
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST", ...headers },
  });
}

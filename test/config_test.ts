import { assert, assertEquals, assertThrows } from "@std/assert";
import { resolve } from "@std/path";
import { type Config, ConfigError, readConfig } from "../src/config.ts";

const CWD = "/srv/images";

type Rule = readonly [
  name: string,
  good: readonly (readonly [value: string, expected: unknown])[],
  key: keyof Config,
  bad: readonly string[],
  expectation: string,
];

const whole = (least: number, most: number): readonly string[] => [
  `${least - 1}`,
  `${most + 1}`,
  "1.5",
  "1e3",
  "0x10",
  "ten",
  " 5000",
  "٣",
];
const FORTY = Array.from({ length: 40 }, (_, i) => `https://a${i}.example`);
const flags = [["0", false], ["1", true]] as const;
const notFlags = ["true", "yes", "2", "01"];

const RULES: readonly Rule[] = [
  [
    "HOST",
    [["0.0.0.0", "0.0.0.0"], ["::1", "::1"], ["my-box.local", "my-box.local"]],
    "host",
    ["a b", "[::1]", "999.0.0.1", "http://x", "a,b", "x:1"],
    "an address of this machine, such as 127.0.0.1 or ::1",
  ],
  [
    "PORT",
    [["0", 0], ["8080", 8080], ["65535", 65_535]],
    "port",
    whole(0, 65_535),
    "a whole number from 0 to 65535",
  ],
  [
    "API_KEY",
    [["k", "k"], ["!~", "!~"]],
    "apiKey",
    ["two words", "schlüssel", "line\nend", " "],
    "printable ASCII without spaces",
  ],
  [
    "TIMEOUT_MS",
    [["1000", 1_000], ["86400000", 86_400_000]],
    "timeoutMs",
    whole(1_000, 86_400_000),
    "milliseconds from 1000 to 86400000",
  ],
  [
    "MAX_BODY_BYTES",
    [["1024", 1_024], ["2147483648", 2_147_483_648]],
    "maxBodyBytes",
    whole(1_024, 2_147_483_648),
    "bytes from 1024 to 2147483648",
  ],
  [
    "MAX_INFLIGHT_BYTES",
    [["100663296", 100_663_296], ["1099511627776", 1_099_511_627_776]],
    "maxInflightBytes",
    whole(1_024, 1_099_511_627_776),
    "bytes from 1024 to 1099511627776",
  ],
  [
    "MAX_REQUEST_PIXELS",
    [["1000000", 1_000_000], ["999999999999", 999_999_999_999]],
    "maxRequestPixels",
    whole(1_000_000, 999_999_999_999),
    "pixels from 1000000 to 999999999999",
  ],
  [
    "MAX_WORKER_PIXELS",
    [["1000000", 1_000_000], ["999999999999", 999_999_999_999]],
    "maxWorkerPixels",
    whole(1_000_000, 999_999_999_999),
    "pixels from 1000000 to 999999999999",
  ],
  [
    "MIN_UPLOAD_BYTES_PER_S",
    [["0", 0], ["999999999", 999_999_999]],
    "minUploadBytesPerS",
    whole(0, 999_999_999),
    "bytes a second from 0 to 999999999",
  ],
  [
    "UPLOAD_GRACE_MS",
    [["100", 100], ["600000", 600_000]],
    "uploadGraceMs",
    whole(100, 600_000),
    "milliseconds from 100 to 600000",
  ],
  [
    "MAX_CONNECTIONS",
    [["1", 1], ["10000", 10_000]],
    "maxConnections",
    whole(1, 10_000),
    "a whole number from 1 to 10000",
  ],
  [
    "HEADER_TIMEOUT_MS",
    [["100", 100], ["600000", 600_000]],
    "headerTimeoutMs",
    whole(100, 600_000),
    "milliseconds from 100 to 600000",
  ],
  [
    "IDLE_TIMEOUT_MS",
    [["100", 100], ["86400000", 86_400_000]],
    "idleTimeoutMs",
    whole(100, 86_400_000),
    "milliseconds from 100 to 86400000",
  ],
  [
    "MAX_STREAMS",
    [["1", 1], ["10000", 10_000]],
    "maxStreams",
    whole(1, 10_000),
    "a whole number from 1 to 10000",
  ],
  [
    "MIN_FREE_BYTES",
    [["0", 0], ["999999999999999", 999_999_999_999_999]],
    "minFreeBytes",
    whole(0, 999_999_999_999_999),
    "bytes from 0 to 999999999999999",
  ],
  [
    "OUTPUT_DIR",
    [["/mnt/out", "/mnt/out"], ["out", "/srv/images/out"]],
    "outputDir",
    [],
    "",
  ],
  [
    "DATA_DIR",
    [["/mnt/data", "/mnt/data"], ["../d", "/srv/d"]],
    "dataDir",
    [],
    "",
  ],
  [
    "PUBLIC_URL",
    [
      ["http://192.168.1.5:17341", "http://192.168.1.5:17341"],
      ["https://example.com/", "https://example.com"],
    ],
    "publicUrl",
    [
      "example.com",
      "ftp://example.com",
      "http://example.com/path",
      "http://example.com?x",
      "http://me:pw@example.com",
      "http://",
    ],
    "an address such as http://192.168.1.5:17341, without a path",
  ],
  [
    "PUBLIC_DIR",
    [
      "/home/me/pictures",
      "C:\\Users\\me",
      "d:/pictures",
      "\\\\wsl.localhost\\Debian\\home",
    ].map((path) => [path, path]),
    "publicDir",
    ["pictures", "./pictures", "C:pictures", "\\pictures"],
    "an absolute directory as callers see it, such as /srv/pictures or C:\\pictures",
  ],
  [
    "ALLOWED_HOSTS",
    [
      ["nas", ["nas"]],
      [" nas:17341 ,, [::1]:80,a.example ", [
        "nas:17341",
        "[::1]:80",
        "a.example",
      ]],
    ],
    "allowedHosts",
    ["http://nas", "nas/x", "a b", "nas:port", "*"],
    "host[:port] values, separated by commas",
  ],
  [
    "ALLOWED_ORIGINS",
    [
      ["https://a.example, http://b.example", [
        "https://a.example",
        "http://b.example",
      ]],
      ["http://a.example:81/", ["http://a.example:81"]],
      ["HTTPS://Bücher.Example:443", ["https://xn--bcher-kva.example"]],
      ["app://Obsidian.md/,file://, tauri://localhost, moz-extension://*", [
        "app://obsidian.md",
        "file://",
        "tauri://localhost",
        "moz-extension://*",
      ]],
      [FORTY.join(" , "), FORTY],
    ],
    "allowedOrigins",
    [
      "a.example",
      "null",
      "https://a.example/x",
      "https://a.example,b",
      "https://a b.example",
      "https://*.example",
      "https://me@a.example",
      "app://a b",
      "app://obsidian.md/x",
      "app:",
      "**",
    ],
    "origins without a path, separated by commas, such as https://example.com, app://obsidian.md or chrome-extension://*; pages without one need the key of API_KEY",
  ],
  ["LOG_FILE", [["log/x", "/srv/images/log/x"]], "logFile", [], ""],
  [
    "LOG_MAX_BYTES",
    [["1024", 1_024], ["999999999999999", 999_999_999_999_999]],
    "logMaxBytes",
    whole(1_024, 999_999_999_999_999),
    "bytes from 1024 to 999999999999999",
  ],
  [
    "JOB_TTL_MS",
    [["1000", 1_000]],
    "jobTtlMs",
    whole(1_000, 2_592_000_000),
    "milliseconds from 1000 to 2592000000",
  ],
  [
    "LINK_TTL_MS",
    [["1000", 1_000]],
    "linkTtlMs",
    whole(1_000, 31_536_000_000),
    "milliseconds from 1000 to 31536000000",
  ],
  ["STORE_PROMPTS", flags, "storePrompts", notFlags, "0 or 1"],
  [
    "RETENTION_DAYS",
    [["1", 1], ["36500", 36_500]],
    "retentionDays",
    whole(1, 36_500),
    "days from 1 to 36500",
  ],
  [
    "RETENTION_MAX_COUNT",
    [["1", 1]],
    "retentionMaxCount",
    whole(1, 999_999_999),
    "a whole number from 1 to 999999999",
  ],
  [
    "RETENTION_MAX_BYTES",
    [["999999999999999", 999_999_999_999_999]],
    "retentionMaxBytes",
    whole(1, 999_999_999_999_999),
    "bytes from 1 to 999999999999999",
  ],
  ["PAUSE_ON_USAGE_LIMIT", flags, "pauseOnUsageLimit", notFlags, "0 or 1"],
  [
    "PROBE_INTERVAL_MS",
    [["1000", 1000], ["86400000", 86_400_000]],
    "probeIntervalMs",
    whole(1000, 86_400_000),
    "milliseconds from 1000 to 86400000",
  ],
  [
    "MAX_WORKERS",
    [["1", 1], ["64", 64]],
    "maxWorkers",
    whole(1, 64),
    "a whole number from 1 to 64",
  ],
  [
    "MAX_QUEUE",
    [["0", 0], ["10000", 10_000]],
    "maxQueue",
    whole(0, 10_000),
    "a whole number from 0 to 10000",
  ],
  [
    "CODEX_BIN",
    [["/usr/bin/codex", "/usr/bin/codex"], [
      "bin/codex",
      "/srv/images/bin/codex",
    ]],
    "codexBin",
    [],
    "",
  ],
  ["LEAN", flags, "minimalInstructions", notFlags, "0 or 1"],
  [
    "CODEX_AUTH_HOME",
    [["/home/me/.codex", "/home/me/.codex"], ["login", "/srv/images/login"]],
    "authHome",
    [],
    "",
  ],
  [
    "CODEX_MODEL",
    [["gpt-5.5", "gpt-5.5"], ["a/b:c_d", "a/b:c_d"]],
    "model",
    ["two words", "-c\nx", "x".repeat(101), 'a"b'],
    "a model name",
  ],
  [
    "UPSTREAM_URL",
    [["http://127.0.0.1:9000", "http://127.0.0.1:9000"]],
    "upstreamUrl",
    ["127.0.0.1:9000", "http://127.0.0.1:9000/v1", "file:///x"],
    "an address such as http://127.0.0.1:9000, without a path",
  ],
  ["SANDBOX", flags, "sandbox", notFlags, "0 or 1"],
];

for (const [name, good, key, bad, expectation] of RULES) {
  Deno.test(`readConfig() takes ${name} as it is meant`, () => {
    for (const [value, expected] of good) {
      const { config, warnings } = read({ [name]: value });
      assertEquals(config[key], expected);
      assertEquals(warnings, []);
    }
  });

  Deno.test(`readConfig() takes ${name} for unset where it is empty`, () => {
    assertEquals(read({ [name]: "" }).config, read({}).config);
  });

  if (bad.length === 0) continue;
  Deno.test(`readConfig() says what is wrong with ${name}`, () => {
    for (const value of bad) {
      const { message } = assertThrows(
        () => read({ [name]: value }),
        ConfigError,
      );
      const shown = name === "API_KEY" ? "(hidden)" : JSON.stringify(value);
      assertEquals(
        message,
        `Cannot use CODEX_IMAGE_SERVER_${name} ${shown}: expected ${expectation}`,
      );
      assert(!message.includes("\n"));
    }
  });
}

Deno.test("readConfig() has a default for everything", () => {
  const { config, warnings } = readConfig({ HOME: "/home/me" }, CWD);
  assertEquals(warnings, []);
  assertEquals(config, {
    host: "127.0.0.1",
    port: 17_341,
    apiKey: undefined,
    timeoutMs: 600_000,
    maxBodyBytes: 100_663_296,
    maxInflightBytes: 1_073_741_824,
    maxRequestPixels: 400_000_000,
    maxWorkerPixels: 200_000_000,
    minUploadBytesPerS: 1_024,
    uploadGraceMs: 10_000,
    maxConnections: 256,
    headerTimeoutMs: 10_000,
    idleTimeoutMs: 75_000,
    maxStreams: 64,
    minFreeBytes: 268_435_456,
    outputDir: "/srv/images/output",
    dataDir: "/srv/images/data",
    publicUrl: undefined,
    publicDir: undefined,
    allowedHosts: [],
    allowedOrigins: [],
    logFile: undefined,
    logMaxBytes: 10_485_760,
    linkTtlMs: 86_400_000,
    jobTtlMs: 3_600_000,
    storePrompts: false,
    retentionDays: undefined,
    retentionMaxCount: undefined,
    retentionMaxBytes: undefined,
    pauseOnUsageLimit: true,
    probeIntervalMs: 300_000,
    maxWorkers: 4,
    maxQueue: 32,
    codexBin: undefined,
    minimalInstructions: true,
    authHome: "/home/me/.codex",
    model: undefined,
    upstreamUrl: undefined,
    sandbox: false,
  });
});

Deno.test("readConfig() is tested with every setting that there is", () => {
  const names = Object.keys(readConfig({}, CWD).config);
  assertEquals(RULES.map(([_name, _good, key]) => key).sort(), names.sort());
});

Deno.test("readConfig() finds the login in CODEX_AUTH_HOME, CODEX_HOME or the home, in this order", () => {
  const home = { HOME: "/home/me" };
  const cli = { ...home, CODEX_HOME: "/opt/codex" };
  const own = { ...cli, CODEX_IMAGE_SERVER_CODEX_AUTH_HOME: "/own" };
  assertEquals(readConfig(own, CWD).config.authHome, "/own");
  assertEquals(readConfig(cli, CWD).config.authHome, "/opt/codex");
  assertEquals(readConfig(home, CWD).config.authHome, "/home/me/.codex");
  assertEquals(readConfig({}, CWD).config.authHome, "/srv/images/.codex");
});

Deno.test("readConfig() refuses the sandbox together with another backend", () => {
  assertThrows(
    () => read({ SANDBOX: "1", UPSTREAM_URL: "http://127.0.0.1:9" }),
    ConfigError,
    'Cannot use CODEX_IMAGE_SERVER_UPSTREAM_URL "http://127.0.0.1:9" together with CODEX_IMAGE_SERVER_SANDBOX=1',
  );
});

for (const output of ["data", "data/work", "./data/a/b", "data/..a"]) {
  Deno.test(`readConfig() refuses to keep pictures in ${output} of the data directory`, () => {
    assertThrows(
      () => read({ OUTPUT_DIR: output }),
      ConfigError,
      'expected a directory outside of CODEX_IMAGE_SERVER_DATA_DIR "/srv/images/data"',
    );
  });
}

for (const output of ["..", "data2", "..data", "/srv/images"]) {
  Deno.test(`readConfig() keeps pictures in ${output} beside the data directory`, () => {
    assertEquals(
      read({ OUTPUT_DIR: output }).config.outputDir,
      resolve(CWD, output),
    );
  });
}

Deno.test("readConfig() takes a name alone for a program on PATH", () => {
  assertEquals(read({ CODEX_BIN: "codex" }).config.codexBin, "codex");
  assertEquals(read({ CODEX_BIN: "./codex" }).config.codexBin, `${CWD}/codex`);
});

Deno.test("readConfig() does not let the limits of the sandbox stop the work", () => {
  assertEquals(read({ SANDBOX: "1" }).config.pauseOnUsageLimit, false);
  const asked = { SANDBOX: "1", PAUSE_ON_USAGE_LIMIT: "1" };
  assertEquals(read(asked).config.pauseOnUsageLimit, true);
});

Deno.test("readConfig() warns of unknown names with the nearest known one", () => {
  const { warnings } = readConfig({
    CODEX_IMAGE_SERVER_MAX_WORKER: "2",
    CODEX_IMAGE_SERVER_APIKEY: "secret",
    CODEX_IMAGE_SERVER_: "x",
    CODEX_IMAGE_WORKER: "not ours to judge",
    PORT: "80",
  }, CWD);
  assertEquals(warnings.length, 3);
  assertEquals(
    warnings[0],
    "Cannot use CODEX_IMAGE_SERVER_MAX_WORKER: unknown setting, did you mean CODEX_IMAGE_SERVER_MAX_WORKERS?",
  );
  assert(warnings[1].endsWith("did you mean CODEX_IMAGE_SERVER_API_KEY?"));
  assert(warnings.every((warning) => !warning.includes("secret")));
});

function read(settings: Readonly<Record<string, string>>) {
  const env = Object.entries(settings)
    .map(([name, value]) => [`CODEX_IMAGE_SERVER_${name}`, value]);
  return readConfig(Object.fromEntries(env), CWD);
}

for (const value of ["*", "https://*", "http://*"]) {
  Deno.test(`readConfig() takes ALLOWED_ORIGINS ${value} only together with a key`, () => {
    const env = { CODEX_IMAGE_SERVER_ALLOWED_ORIGINS: value };
    const failure = assertThrows(() => readConfig(env, "/srv"), ConfigError);
    assertEquals(
      failure.message,
      `Cannot use CODEX_IMAGE_SERVER_ALLOWED_ORIGINS "${value}" without CODEX_IMAGE_SERVER_API_KEY: every web page that you visit could draw at your expense, expected origins such as https://example.com, or a key as well`,
    );
    const withKey = { ...env, CODEX_IMAGE_SERVER_API_KEY: "k" };
    assertEquals(readConfig(withKey, "/srv").config.allowedOrigins, [value]);
  });
}

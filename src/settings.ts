import * as z from "zod";
import { normalizeOrigin } from "./http/cors.ts";
import { HOST_VALUE } from "./http/guard.ts";
import { isAbsoluteAnywhere } from "./util.ts";

/** What the names of all settings begin with. */
export const PREFIX = "CODEX_IMAGE_SERVER_";

const MAX_BYTES = 999_999_999_999_999;
const MIN_PIXELS = 1_000_000;
const MAX_PIXELS = 999_999_999_999;

/** What there is to know of a setting. */
export interface Setting {
  /** Its name, without the prefix. */
  readonly name: string;
  /** Reads its text. */
  readonly schema: z.ZodType<unknown, string>;
  /** What its text should be, as the end of a sentence. */
  readonly expected: string;
  /** The text that holds where none is set; without it the setting is undefined then. */
  readonly default?: string;
  /** What holds where none is set, in Markdown, where that is not told by `default`. */
  readonly otherwise?: string;
  /** What it is for, in Markdown. */
  readonly words: string;
}

const FLAG = {
  schema: z.enum(["0", "1"]).transform((value) => value === "1"),
  expected: "0 or 1",
} as const;
const text = z.string().min(1);
const list = z.string().transform((value) =>
  value.split(",").map((item) => item.trim()).filter((item) => item !== "")
);
const origin = z.url({ protocol: /^https?$/ }).refine((value) =>
  /^https?:\/\/[^/?#@]+\/?$/.test(value)
).transform((value) => value.replace(/\/$/, ""));
const allowedOrigin = z.string().transform((value, context) => {
  const isPattern = /^(?:[a-z][a-z\d+.-]*:\/\/)?\*$/i.test(value);
  const known = isPattern ? value.toLowerCase() : normalizeOrigin(value);
  if (known !== undefined) return known;
  context.addIssue("not an origin");
  return z.NEVER;
});
const host = z.string().regex(HOST_VALUE);
const address = z.union([
  z.ipv4(),
  z.ipv6(),
  z.string().regex(/^(?=.*[a-z])[\w-]+(?:\.[\w-]+)*$/i),
]);

/** Every setting, under its name in {@linkcode Config}. */
export const SETTINGS = {
  host: setting("HOST", {
    schema: address,
    expected: "an address of this machine, such as 127.0.0.1 or ::1",
  }, {
    default: "127.0.0.1",
    words: "where to listen; with 127.0.0.1 also on [::1]",
  }),
  port: setting("PORT", whole(0, 65_535), {
    default: "17341",
    words: "the port to listen on; `0` for a free one",
  }),
  apiKey: setting("API_KEY", {
    schema: z.string().regex(/^[\x21-\x7e]+$/),
    expected: "printable ASCII without spaces",
  }, {
    words:
      "callers must send it as `X-API-Key`, `api-key` or `Authorization: Bearer`",
  }),
  outputDir: setting("OUTPUT_DIR", { schema: text, expected: "a directory" }, {
    default: "./output",
    words: "where pictures are kept, outside of `DATA_DIR`",
  }),
  dataDir: setting("DATA_DIR", { schema: text, expected: "a directory" }, {
    default: "./data",
    words: "the server's own files: the CLI's home, jobs, work under way",
  }),
  authHome: setting("CODEX_AUTH_HOME", {
    schema: text,
    expected: "the directory that holds auth.json",
  }, {
    otherwise: "`$CODEX_HOME` or `~/.codex`",
    words: "the directory with your login",
  }),
  codexBin: setting("CODEX_BIN", {
    schema: text,
    expected: "the path of a Codex binary",
  }, {
    otherwise: "the pinned package, then `codex` on PATH",
    words: "the Codex binary, or its name on PATH",
  }),
  model: setting("CODEX_MODEL", {
    schema: z.string().regex(/^[\w.:/-]{1,100}$/),
    expected: "a model name",
  }, {
    otherwise: "the CLI's choice",
    words: "the chat model that calls the image tool",
  }),
  minimalInstructions: setting("LEAN", FLAG, {
    default: "1",
    words: "`0`: the CLI's stock instructions and tools",
  }),
  maxWorkers: setting("MAX_WORKERS", whole(1, 64), {
    default: "4",
    words: "Codex processes at once",
  }),
  maxQueue: setting("MAX_QUEUE", whole(0, 10_000), {
    default: "32",
    words: "candidates that may wait for one",
  }),
  timeoutMs: setting("TIMEOUT_MS", whole(1_000, 86_400_000, "milliseconds"), {
    default: "600000",
    words: "how long a request may take, in milliseconds",
  }),
  pauseOnUsageLimit: setting("PAUSE_ON_USAGE_LIMIT", FLAG, {
    otherwise: "`1` (`0` in the sandbox)",
    words: "`1`: start nothing more until a usage limit is over",
  }),
  probeIntervalMs: setting(
    "PROBE_INTERVAL_MS",
    whole(1_000, 86_400_000, "milliseconds"),
    {
      default: "300000",
      words:
        "how often one candidate tries whether a usage limit is over, in milliseconds",
    },
  ),
  jobTtlMs: setting("JOB_TTL_MS", whole(1_000, 2_592_000_000, "milliseconds"), {
    default: "3600000",
    words:
      "how long finished jobs and their keys are remembered, the last 1,000 at most",
  }),
  linkTtlMs: setting(
    "LINK_TTL_MS",
    whole(1_000, 31_536_000_000, "milliseconds"),
    {
      default: "86400000",
      words: "how long a signed URL of a picture can be opened, at least",
    },
  ),
  maxBodyBytes: setting("MAX_BODY_BYTES", whole(1_024, 2 ** 31, "bytes"), {
    default: "100663296",
    words: "the largest request",
  }),
  maxInflightBytes: setting(
    "MAX_INFLIGHT_BYTES",
    whole(1_024, 2 ** 40, "bytes"),
    {
      otherwise: "`1073741824`, or `MAX_BODY_BYTES` where that is more",
      words:
        "the bytes of all requests that are being read at the same time; more are `queue_full`",
    },
  ),
  maxRequestPixels: setting(
    "MAX_REQUEST_PIXELS",
    whole(MIN_PIXELS, MAX_PIXELS, "pixels"),
    {
      default: "400000000",
      words:
        "the pixels of all references of one request together; more are `invalid_reference`",
    },
  ),
  maxWorkerPixels: setting(
    "MAX_WORKER_PIXELS",
    whole(MIN_PIXELS, MAX_PIXELS, "pixels"),
    {
      default: "200000000",
      words:
        "the pixels of the largest references of all workers together, which take up to 11 bytes of memory each; further workers wait",
    },
  ),
  minUploadBytesPerS: setting(
    "MIN_UPLOAD_BYTES_PER_S",
    whole(0, 999_999_999, "bytes a second"),
    {
      default: "1024",
      words: "a slower upload is broken off; `0` for any pace",
    },
  ),
  uploadGraceMs: setting(
    "UPLOAD_GRACE_MS",
    whole(100, 600_000, "milliseconds"),
    { default: "10000", words: "for how long an upload may be slower" },
  ),
  maxConnections: setting("MAX_CONNECTIONS", whole(1, 10_000), {
    default: "256",
    words: "open connections; more are turned away",
  }),
  headerTimeoutMs: setting(
    "HEADER_TIMEOUT_MS",
    whole(100, 600_000, "milliseconds"),
    {
      default: "10000",
      words: "how long a connection may take to send a request's headers",
    },
  ),
  idleTimeoutMs: setting(
    "IDLE_TIMEOUT_MS",
    whole(100, 86_400_000, "milliseconds"),
    {
      default: "75000",
      words:
        "how long a connection may be open without a request, or with an answer that nobody reads",
    },
  ),
  maxStreams: setting("MAX_STREAMS", whole(1, 10_000), {
    default: "64",
    words: "event streams at once",
  }),
  minFreeBytes: setting("MIN_FREE_BYTES", whole(0, MAX_BYTES, "bytes"), {
    default: "268435456",
    words: "with less free disk nothing is started: 507 before it costs quota",
  }),
  storePrompts: setting("STORE_PROMPTS", FLAG, {
    default: "0",
    words: "`1`: keep prompts with the pictures, so that they can be searched",
  }),
  retentionDays: setting("RETENTION_DAYS", whole(1, 36_500, "days"), {
    words: "remove older pictures",
  }),
  retentionMaxCount: setting("RETENTION_MAX_COUNT", whole(1, 999_999_999), {
    words:
      "remove the oldest pictures beyond so many, but none that is younger than ten minutes",
  }),
  retentionMaxBytes: setting(
    "RETENTION_MAX_BYTES",
    whole(1, MAX_BYTES, "bytes"),
    {
      words:
        "remove the oldest pictures beyond so many bytes, but none that is younger than ten minutes",
    },
  ),
  publicUrl: setting("PUBLIC_URL", {
    schema: origin,
    expected: "an address such as http://192.168.1.5:17341, without a path",
  }, {
    words:
      "the address in URLs that callers get, instead of the one that they called",
  }),
  publicDir: setting("PUBLIC_DIR", {
    schema: text.refine(isAbsoluteAnywhere),
    expected:
      "an absolute directory as callers see it, such as /srv/pictures or C:\\pictures",
  }, { words: "the output directory as callers see it" }),
  allowedHosts: setting("ALLOWED_HOSTS", {
    schema: list.pipe(z.array(host)),
    expected: "host[:port] values, separated by commas",
  }, {
    default: "",
    words: "further `Host` values, such as `host.docker.internal:17341`",
  }),
  allowedOrigins: setting("ALLOWED_ORIGINS", {
    schema: list.pipe(z.array(allowedOrigin)),
    expected:
      "origins without a path, separated by commas, such as https://example.com, app://obsidian.md or chrome-extension://*; pages without one need the key of API_KEY",
  }, {
    default: "",
    words:
      "origins whose pages may call, such as `https://example.com`, `app://obsidian.md` or all of a scheme as `chrome-extension://*`; `*` only together with `API_KEY`, by which all but web pages may call anyway",
  }),
  logFile: setting("LOG_FILE", { schema: text, expected: "a file" }, {
    words: "a copy of the log, which goes to standard output as JSON lines",
  }),
  logMaxBytes: setting("LOG_MAX_BYTES", whole(1_024, MAX_BYTES, "bytes"), {
    default: "10485760",
    words: "how large that file may grow before it becomes `LOG_FILE.1`",
  }),
  sandbox: setting("SANDBOX", FLAG, {
    default: "0",
    words: "`1`: the offline stand-in instead of the real service",
  }),
  upstreamUrl: setting("UPSTREAM_URL", {
    schema: origin,
    expected: "an address such as http://127.0.0.1:9000, without a path",
  }, {
    words:
      "a service that speaks for the real one, such as `http://127.0.0.1:9000`",
  }),
} as const;

/** The names of all settings, without the prefix. */
export const SETTING_NAMES: readonly string[] = Object.values(SETTINGS)
  .map(({ name }) => name);

function setting<
  Schema extends Setting["schema"],
  const About extends Pick<Setting, "default" | "otherwise" | "words">,
>(
  name: string,
  value: { readonly schema: Schema; readonly expected: string },
  about: About,
) {
  return { name, ...value, ...about } as const;
}

function whole(min: number, max: number, unit = "a whole number") {
  const schema = z.string().regex(/^\d{1,15}$/).transform(Number)
    .pipe(z.number().min(min).max(max));
  return { schema, expected: `${unit} from ${min} to ${max}` };
}

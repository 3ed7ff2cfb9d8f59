import { assertEquals, assertThrows } from "@std/assert";
import { parseOptions, UsageError } from "../../../scripts/generate/options.ts";

Deno.test("parseOptions() joins the words and passes fields on as they are typed", () => {
  const { fields, help, server } = parseOptions(
    ["a", "red fox", "-n", "9", "--size=2K", "--format", "webp"],
    {},
  );
  assertEquals(help, false);
  assertEquals(fields.prompt, "a red fox");
  assertEquals(fields.count, "9");
  assertEquals(fields.size, "2K");
  assertEquals(fields.output_format, "webp");
  assertEquals(fields.quality, undefined);
  assertEquals(server, "http://127.0.0.1:17341");
});

Deno.test("parseOptions() takes words that begin with a dash after --", () => {
  const { fields } = parseOptions(["--count", "2", "--", "--fox"], {});
  assertEquals(fields.prompt, "--fox");
});

Deno.test("parseOptions() finds files from where deno task was called", () => {
  const { out, references } = parseOptions(
    ["fox", "--ref", "a.png", "--ref", "/tmp/b.png", "-o", "pictures"],
    { INIT_CWD: "/somewhere" },
  );
  assertEquals(references, ["/somewhere/a.png", "/tmp/b.png"]);
  assertEquals(out, "/somewhere/pictures");
});

Deno.test("parseOptions() looks for the server where the environment and then the command line say", () => {
  const CODEX_IMAGE_SERVER_PORT = "9000";
  const CODEX_IMAGE_SERVER_PUBLIC_URL = "http://studio:80/";
  const server = (args: string[], env = {}) =>
    parseOptions(["fox", ...args], env).server;
  const port = { CODEX_IMAGE_SERVER_PORT };
  const both = { ...port, CODEX_IMAGE_SERVER_PUBLIC_URL };
  assertEquals(server([], port), "http://127.0.0.1:9000");
  assertEquals(server([], both), "http://studio:80");
  assertEquals(server(["--server", "https://x/"], both), "https://x");
});

Deno.test("parseOptions() refuses what it cannot understand, in a sentence", () => {
  const refuse = (args: string[], message: string) =>
    assertThrows(() => parseOptions(args, {}), UsageError, message);
  refuse(
    ["fox", "--cunt", "4"],
    'Cannot use "--cunt": unknown option, did you mean "--count"?',
  );
  refuse(["fox", "--size"], "Cannot understand the options: Option '--size");
  refuse(["fox", "--ref", "--count"], "Cannot understand the options: Option");
  refuse([], "Cannot draw nothing");
  refuse(["fox", "--server", "studio"], 'Cannot use the server "studio"');
});

Deno.test("parseOptions() wants no words to help", () => {
  assertEquals(parseOptions(["-h"], {}).help, true);
});

import { assertEquals } from "@std/assert";
import {
  type EnvironmentOptions,
  workerEnvironment,
} from "../../src/codex/command.ts";
import { WORKER_TAG_VARIABLE } from "../../src/codex/process_tree.ts";

const OPTIONS: EnvironmentOptions = {
  home: "/data/codex-home",
  workerTag: "instance.gen_1.1-1",
  upstreamUrl: undefined,
};

Deno.test("workerEnvironment() passes on what the allow-list names and nothing else", () => {
  const passed = {
    PATH: "/bin",
    LANG: "de_DE.UTF-8",
    SSL_CERT_FILE: "/certs.pem",
    HTTPS_PROXY: "http://proxy:3128",
    https_proxy: "http://proxy:3128",
  };
  const held = {
    OPENAI_API_KEY: "sk-1",
    CODEX_API_KEY: "sk-2",
    CODEX_IMAGE_SERVER_API_KEY: "sk-3",
    OPENAI_BASE_URL: "http://elsewhere",
    CODEX_HOME: "/home/user/.codex",
    HOME: "/home/user",
    TZ: "Europe/Berlin",
    RUST_LOG: "trace",
    LD_PRELOAD: "/evil.so",
    [WORKER_TAG_VARIABLE]: "another",
  };
  assertEquals(workerEnvironment({ ...passed, ...held }, OPTIONS), {
    ...passed,
    HOME: "/data/codex-home",
    CODEX_HOME: "/data/codex-home",
    TZ: "UTC",
    [WORKER_TAG_VARIABLE]: OPTIONS.workerTag,
    NO_PROXY: "localhost,127.0.0.1,::1",
    no_proxy: "localhost,127.0.0.1,::1",
  });
});

for (
  const [own, list] of [
    [{ NO_PROXY: "corp.example" }, "corp.example,localhost,127.0.0.1,::1"],
    [{ no_proxy: "corp.example" }, "corp.example,localhost,127.0.0.1,::1"],
    [{ NO_PROXY: "", no_proxy: "b" }, "b,localhost,127.0.0.1,::1"],
    [{ NO_PROXY: "a", no_proxy: "b" }, "a,localhost,127.0.0.1,::1"],
  ] as const
) {
  Deno.test(`workerEnvironment() adds this machine to ${JSON.stringify(own)}`, () => {
    const env = workerEnvironment(own, OPTIONS);
    assertEquals([env.NO_PROXY, env.no_proxy], [list, list]);
  });
}

Deno.test("workerEnvironment() sends token refreshes to the service that stands in", () => {
  const env = workerEnvironment({}, {
    ...OPTIONS,
    upstreamUrl: "http://127.0.0.1:4",
  });
  assertEquals(
    env.CODEX_REFRESH_TOKEN_URL_OVERRIDE,
    "http://127.0.0.1:4/oauth/token",
  );
});

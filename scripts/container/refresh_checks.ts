import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { writeSandboxLogin } from "../../src/sandbox/login.ts";
import type { Check } from "./checks.ts";
import { ask, generate } from "./client.ts";
import { logOf } from "./inspect.ts";
import type { Project } from "./project.ts";

const BACKEND = "http://backend:9000";
const SCRIPT = "scripts/container/backend.ts";

/** Checks the login's life in the container, against a login service that takes each token once. */
export async function checkRefresh(
  check: Check,
  project: Project,
): Promise<void> {
  const { url } = project;
  const folder = await project.makeFolder("refreshed");
  const file = join(folder, "auth.json");

  await check("refresh of an expired login", async () => {
    await project.configure(
      {
        CODEX_AUTH_HOME: "./refreshed",
        CODEX_IMAGE_SERVER_UPSTREAM_URL: BACKEND,
      },
      backendService(project),
    );
    await write(project, folder, {});
    await project.restart();
    // The first worker of all starts alone anyway.
    const first = await generate(url, { prompt: "a fox" });
    assertEquals(first.status, 200, JSON.stringify(first.body.error));
    await write(project, folder, { expiresAt: 1 });
    const { ino } = await Deno.stat(file);
    const many = await generate(url, { prompt: "a fox", count: 4 });
    assertEquals(many.status, 200, JSON.stringify(many.body.error));
    assertEquals(many.body.data.length, 4);
    assertEquals(await logOf(project, "backend"), "refresh token-0");
    const now = await Deno.stat(file);
    assert(now.ino !== ino, "the login was not replaced");
    assertEquals([now.uid, now.gid], [project.uid, project.gid]);
    assertEquals((now.mode ?? 0) & 0o777, 0o600);
    assertEquals(await savedToken(file), "token-1");
    return "four workers, one refresh, the host's auth.json is the new one";
  });

  await check("the refreshed login is good", async () => {
    const { status, body } = await generate(url, { prompt: "a fox", count: 2 });
    assertEquals(status, 200, JSON.stringify(body.error));
    assertEquals(await logOf(project, "backend"), "refresh token-0");
    const ready = await ask(`${url}/readyz`);
    assertEquals(ready.status, 200, JSON.stringify(ready.body));
    return "two more images, no further refresh";
  });

  await check("login into a named volume", async () => {
    await project.configure(
      { CODEX_AUTH_HOME: "login", CODEX_IMAGE_SERVER_UPSTREAM_URL: BACKEND },
      backendService(project),
    );
    await project.restart();
    assertEquals((await ask(`${url}/readyz`)).status, 503);
    const login = ["codex", "login", "--device-auth"];
    const { stdout, stderr } = await project.compose([
      "run",
      "--rm",
      "-T",
      "--no-deps",
      "server",
      ...login,
      "--experimental_issuer",
      BACKEND,
    ]);
    assertMatch(stdout + stderr, /TEST-CODE/);
    assertMatch(stdout + stderr, /Successfully logged in/);
    const { status, body } = await generate(url, { prompt: "a fox" });
    assertEquals(status, 200, JSON.stringify(body.error));
    return `"${login.join(" ")}", and the running server makes an image`;
  });
}

async function write(
  project: Project,
  folder: string,
  login: { readonly expiresAt?: number },
): Promise<void> {
  const refreshToken = "token-0";
  const file = await writeSandboxLogin(folder, { ...login, refreshToken });
  await project.giveAway(file);
}

async function savedToken(file: string): Promise<string> {
  return JSON.parse(await Deno.readTextFile(file)).tokens.refresh_token;
}

function backendService({ image }: Project): unknown {
  const script = join(import.meta.dirname ?? ".", "backend.ts");
  return {
    services: {
      server: { depends_on: ["backend"] },
      backend: {
        image,
        init: true,
        command: [
          "deno",
          "run",
          "--cached-only",
          "--quiet",
          "--allow-all",
          SCRIPT,
          "0.0.0.0",
          "9000",
        ],
        healthcheck: { disable: true },
        stop_grace_period: "0s",
        volumes: [`${script}:/app/${SCRIPT}:ro`],
      },
    },
  };
}

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Check } from "./checks.ts";
import { ask, generate } from "./client.ts";
import { logOf } from "./inspect.ts";
import { loginCases } from "./login_cases.ts";
import type { Project } from "./project.ts";

/** Checks what the server makes of a missing or unfit login; each time it starts all the same. */
export async function checkLogins(
  check: Check,
  project: Project,
): Promise<void> {
  const { url } = project;
  for (const [index, one] of loginCases(project).entries()) {
    await check(`login: ${one.name}`, async () => {
      const name = `login-${index}`;
      const folder = await project.makeFolder(name);
      await one.prepare(folder);
      const volumes = one.mount?.(folder) ?? [];
      await project.configure({ CODEX_AUTH_HOME: `./${name}` }, {
        services: { server: { volumes } },
      });
      await project.restart();
      const line = (await logOf(project)).split("\n")
        .find((line) => line.includes("codex.login.trouble")) ?? "{}";
      const logged = JSON.parse(line);
      assertEquals(logged.kind, one.kind);
      const message = `${logged.found}; ${logged.remedy}`;
      assertStringIncludes(message, one.says);
      const { status, body } = await ask(`${url}/readyz`);
      assertEquals(status, one.isUsable ? 200 : 503);
      // It is good until it has to be refreshed, which is told and no reason not to start.
      const told = one.isUsable
        ? { name: "login_writable", ok: true, detail: `Warning: ${message}` }
        : { name: "login", ok: false, detail: message };
      assertEquals(
        body.checks.find(({ name }: typeof told) => name === told.name),
        told,
      );
      if (!one.isUsable) await checkRefusal(url, message);
      return message;
    });
  }
}

async function checkRefusal(url: string, message: string): Promise<void> {
  const { status, body } = await generate(url, { prompt: "a fox" });
  assertEquals(status, 503);
  assertEquals(body.error.code, "codex_login_required");
  assertEquals(body.error.message, `Codex is not logged in: ${message}`);
}

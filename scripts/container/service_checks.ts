import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { encodeHex } from "@std/encoding/hex";
import { basename, join } from "@std/path";
import type { Check } from "./checks.ts";
import { ask, generate } from "./client.ts";
import { docker } from "./docker.ts";
import { processes } from "./inspect.ts";
import type { Project } from "./project.ts";

/** How long the processes of a canceled request may take to end, in milliseconds. */
const CANCEL_MS = 2_000;
const IS_WORKER = /\bcodex\b.*\bexec\b|codex-code-mode-host/;

/** Checks what a caller on the host gets to see, with the sandbox backend. */
export async function checkService(
  check: Check,
  project: Project,
): Promise<void> {
  const { url } = project;

  await check("contract routes", async () => {
    const health = await ask(`${url}/healthz`);
    assertEquals(health.status, 200);
    assertEquals(health.body.sandbox, true);
    assertEquals(health.body.output_dir, join(project.directory, "output"));
    const ready = await ask(`${url}/readyz`);
    assertEquals(ready.status, 200, JSON.stringify(ready.body.checks));
    const capabilities = await ask(`${url}/v1/capabilities`);
    assertEquals(capabilities.body.model, "gpt-image-2");
    assertEquals((await ask(`${url}/none`)).body.error.code, "not_found");
    const wrong = await ask(`${url}/healthz`, { method: "DELETE" });
    assertEquals(wrong.status, 405);
    return "healthz, readyz, capabilities, 404, 405";
  });

  await check("four images in the host's folder", async () => {
    const { status, body } = await generate(url, { prompt: "a fox", count: 4 });
    assertEquals(status, 200, JSON.stringify(body.error));
    const digests = new Set<string>();
    for (const image of body.data) {
      const path = join(project.directory, "output", basename(image.path));
      assertEquals(image.path, path, "not the path that the host sees");
      const { uid, gid } = await Deno.stat(path);
      assertEquals([uid, gid], [project.uid, project.gid], "wrong owner");
      const onHost = await Deno.readFile(path);
      assert(image.url.startsWith(`${url}/`), image.url);
      const response = await fetch(image.url);
      const served = new Uint8Array(await response.arrayBuffer());
      assertEquals(await digest(served), image.sha256);
      assertEquals(await digest(onHost), image.sha256);
      digests.add(image.sha256);
    }
    assertEquals(digests.size, 4, "not four distinct images");
    return `they belong to ${project.uid}:${project.gid}, downloads are equal`;
  });

  await check("conversion and references", async () => {
    const [source] = (await generate(url, { prompt: "a leaf" })).body.data;
    const bytes = await Deno.readFile(source.path);
    const { status, body } = await generate(url, {
      prompt: "the same in blue",
      size: "1024x1024",
      output_format: "webp",
      references: [{ image: `data:image/png;base64,${bytes.toBase64()}` }],
    });
    assertEquals(status, 200, JSON.stringify(body.error));
    assertEquals(body.mime_type, "image/webp");
    assertEquals(body.resolved_size, "1024x1024");
    assertEquals(body.references[0].sha256, source.sha256);
    return "1024x1024 WebP from one original";
  });

  await check("cancellation", async () => {
    const caller = new AbortController();
    const request = generate(
      url,
      { prompt: "a fox sandbox:hang", count: 4 },
      caller.signal,
    ).then(() => "an answer", (error) => error.name);
    let most = 0;
    await project.until("four workers run", async () => {
      most = (await workers(project)).length;
      return most >= 4;
    });
    caller.abort();
    const started = Date.now();
    assertEquals(await request, "AbortError");
    while ((await workers(project)).length > 0) {
      assert(Date.now() - started < CANCEL_MS, "worker processes are left");
      await delay(50);
    }
    const left = await processes(project);
    return `of ${most} worker processes none is left after ${
      Date.now() - started
    } ms, but ${left.map((line) => line.split(" ", 3).join(" ")).join("; ")}`;
  });

  await check("smoke script", async () => {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "smoke", url],
      stdin: "null",
      stderr: "null",
    }).output();
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    assertEquals(code, 0, lines.join("; "));
    return lines.at(-1) ?? "";
  });

  await check(
    "reached from another container by its allowed name",
    async () => {
      const from = async (host: string) => {
        const { stdout } = await docker([
          "run",
          "--rm",
          "--network",
          `${project.name}_default`,
          project.image,
          "bash",
          "-c",
          `exec 3<>/dev/tcp/codex-image-server/${project.port}
         printf 'GET /v1/capabilities HTTP/1.1\\r\\nHost: ${host}\\r\\nConnection: close\\r\\n\\r\\n' >&3
         read -r _ status _ <&3; echo "$status"`,
        ]);
        return stdout;
      };
      assertEquals(await from(`codex-image-server:${project.port}`), "200");
      assertEquals(await from(`server:${project.port}`), "403");
      return "200 by codex-image-server, 403 by any other name";
    },
  );
}

/** The worker processes in the server's container. */
export async function workers(project: Project): Promise<string[]> {
  return (await processes(project)).filter((line) => IS_WORKER.test(line));
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeHex(await crypto.subtle.digest("SHA-256", bytes));
}

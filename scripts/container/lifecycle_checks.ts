import { assert, assertEquals } from "@std/assert";
import type { Check } from "./checks.ts";
import { generate } from "./client.ts";
import { inside, inspect, logOf } from "./inspect.ts";
import type { Project } from "./project.ts";
import { workers } from "./service_checks.ts";

/** What the grace period of compose.yaml leaves a stop, in milliseconds. */
const GRACE_MS = 20_000;

/** Checks how the container ends, and what it finds when it starts again. */
export async function checkLifecycle(
  check: Check,
  project: Project,
): Promise<void> {
  const { url } = project;
  const { body } = await generate(url, { prompt: "to be found again" });
  const [image] = body.data;

  await check("healthy by its own check", async () => {
    await project.until(
      "it is healthy",
      async () => await health(project) === "healthy",
    );
    return `${await inspect(project, "{{len .State.Health.Log}}")} checks`;
  });

  await check("kill -9 of the server and recovery", async () => {
    const request = hang(project);
    await project.until(
      "four workers run",
      async () => (await workers(project)).length >= 4,
    );
    const before = await inspect(project, "{{.State.StartedAt}}");
    // The shell that does it ends with the container.
    await inside(project, `kill -9 $(pgrep -f -o "^deno run")`, {
      mayFail: true,
    });
    assertEquals(await request, "cut off");
    await project.until("it has been started again", async () => {
      const now = await inspect(
        project,
        "{{.State.Running}} {{.State.StartedAt}}",
      );
      return now.startsWith("true") && !now.endsWith(before);
    });
    await project.untilAnswers();
    assertEquals(await workers(project), []);
    assertEquals(await download(image.url), image.bytes);
    const { status } = await generate(url, { prompt: "after all" });
    assertEquals(status, 200);
    const restarts = await inspect(project, "{{.RestartCount}}");
    return `restarted ${restarts} time, no worker left, images as before`;
  });

  await check("stop within the grace period", async () => {
    const request = hang(project);
    await project.until(
      "four workers run",
      async () => (await workers(project)).length >= 4,
    );
    const started = Date.now();
    await project.compose(["stop"]);
    const took = Date.now() - started;
    assertEquals(await inspect(project, "{{.State.ExitCode}}"), "0");
    assert(took < GRACE_MS, `it took ${took} ms`);
    const log = await logOf(project);
    assert(log.includes('"event":"server.end"'), "no last line in the log");
    return `four workers under way (${await request}), exit 0 after ${took} ms`;
  });

  await check("a start finds the old images", async () => {
    await project.restart();
    assertEquals(await download(image.url), image.bytes);
    return image.id;
  });
}

function health(project: Project): Promise<string> {
  return inspect(project, "{{.State.Health.Status}}");
}

async function hang(project: Project): Promise<string> {
  try {
    const request = { prompt: "a fox sandbox:hang", count: 4 };
    const { status } = await generate(project.url, request);
    return `answered ${status}`;
  } catch (error) {
    if (error instanceof TypeError) return "cut off";
    throw error;
  }
}

async function download(url: string): Promise<number> {
  const response = await fetch(url);
  assertEquals(response.status, 200);
  return (await response.arrayBuffer()).byteLength;
}

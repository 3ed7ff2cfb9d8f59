import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import {
  listProcesses,
  processesOf,
  terminateWorker,
  WORKER_TAG_VARIABLE,
} from "../../src/codex/process_tree.ts";
import { linkPrograms, usePath } from "../support/programs.ts";
import { until } from "../support/until.ts";
import { newMark, startMarked } from "./marked.ts";

/** Lets this process find only some programs until it is disposed. */
async function only(programs: readonly string[]): Promise<AsyncDisposable> {
  const parts = new AsyncDisposableStack();
  parts.use(usePath(parts.use(await linkPrograms(programs)).directory));
  return parts;
}

const WAYS = [
  ["by ps", ["ps", "sleep"]],
  ["by a shell", ["sh", "cat", "tr", "sleep"]],
] as const;

for (const [way, programs] of WAYS) {
  Deno.test(`listProcesses() ${way} tells of a process its parent, its group and its environment`, async () => {
    const mark = newMark();
    const child = startMarked(mark, "sleep 300; true");
    await using _ = await only(programs);
    try {
      const rows = await until(async () => {
        const rows = await listProcesses();
        return rows.some(({ parent }) => parent === child.pid) && rows;
      });
      const leader = rows.find(({ pid }) => pid === child.pid);
      const sleeper = rows.find(({ parent }) => parent === child.pid);
      assertEquals([leader?.parent, leader?.group], [Deno.pid, child.pid]);
      assertEquals(sleeper?.group, child.pid);
      assert(sleeper?.command.startsWith("sleep 300"));
      assert(
        ` ${sleeper?.environment} `.includes(
          ` ${WORKER_TAG_VARIABLE}=${mark} `,
        ),
      );
    } finally {
      await terminateWorker(child, mark);
    }
  });

  Deno.test(`listProcesses() ${way} leaves out processes that have ended and were not reaped`, async () => {
    const mark = newMark();
    // The shell becomes a program that never asks what became of its child.
    const child = startMarked(mark, "sleep 0 & exec sleep 300");
    try {
      await until(async () => {
        const { stdout } = await new Deno.Command("ps", {
          args: ["-o", "stat=", "--ppid", `${child.pid}`],
        }).output();
        return new TextDecoder().decode(stdout).startsWith("Z");
      });
      await using _ = await only(programs);
      const rows = processesOf(await listProcesses(), mark);
      assertEquals(rows.map(({ pid }) => pid), [child.pid]);
    } finally {
      await terminateWorker(child, mark);
    }
  });
}

for (const odd of ["a\rb", "a\u2028b", "a\nb", "a) S 1 2 b"]) {
  Deno.test(`listProcesses() finds a process with ${JSON.stringify(odd)} in its environment and its arguments`, async () => {
    const mark = newMark();
    const child = new Deno.Command("sh", {
      args: ["-c", "sleep 300; true", odd],
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        A: odd,
        [WORKER_TAG_VARIABLE]: mark,
      },
      clearEnv: true,
      detached: true,
    }).spawn();
    try {
      for (const [, programs] of WAYS) {
        await using _ = await only(programs);
        await until(async () =>
          processesOf(await listProcesses(), mark)
            .some(({ pid }) => pid === child.pid)
        );
      }
    } finally {
      await terminateWorker(child, mark);
    }
  });
}

Deno.test("listProcesses() asks a shell where ps takes other arguments", async () => {
  await using linked = await linkPrograms(["sh", "cat", "tr", "false"]);
  const { directory } = linked;
  await Deno.rename(join(directory, "false"), join(directory, "ps"));
  using _ = usePath(directory);
  const rows = await listProcesses();
  assert(rows.some(({ pid }) => pid === Deno.pid));
});

Deno.test("listProcesses() fails where there is no way", async () => {
  await using _ = await only(["sleep"]);
  await assertRejects(listProcesses, Deno.errors.NotFound);
});

for (const name of ["a) S 1 2 (", "((((", "a b"]) {
  Deno.test(`listProcesses() is not taken in by a program called "${name}"`, async () => {
    const mark = newMark();
    // The shell gives itself the name, which the next program would take away.
    const script = `printf '%s' '${name}' > /proc/self/comm; sleep 300; true`;
    const child = new Deno.Command("bash", {
      args: ["-c", script],
      env: { PATH: Deno.env.get("PATH") ?? "", [WORKER_TAG_VARIABLE]: mark },
      clearEnv: true,
      detached: true,
    }).spawn();
    try {
      for (const [, programs] of WAYS) {
        await using _ = await only(programs);
        const row = await until(async () =>
          processesOf(await listProcesses(), mark)
            .find(({ pid }) => pid === child.pid)
        );
        assertEquals([row.group, row.parent], [child.pid, Deno.pid]);
      }
    } finally {
      await terminateWorker(child, mark);
    }
  });
}

import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import {
  findProcesses,
  killAll,
  listProcesses,
  processesOf,
  type ProcessRow,
  terminateWorker,
  WORKER_TAG_VARIABLE,
} from "../../src/codex/process_tree.ts";
import { runAsAnyUser } from "../support/any_user.ts";
import { type LinkedPrograms, linkPrograms } from "../support/programs.ts";
import { until } from "../support/until.ts";

/** Starts a shell script that runs with a mark, as the leader of a session of its own. */
function startMarked(mark: string, script: string): Deno.ChildProcess {
  return new Deno.Command("sh", {
    args: ["-c", script],
    env: { PATH: Deno.env.get("PATH") ?? "", [WORKER_TAG_VARIABLE]: mark },
    clearEnv: true,
    detached: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** Makes a mark that no other process has. */
function newMark(): string {
  return `test-${crypto.randomUUID()}`;
}

const WAYS = [
  ["by ps", ["ps", "sleep"]],
  ["by a shell", ["sh", "tr", "sleep"]],
] as const;

for (const [way, programs] of WAYS) {
  Deno.test(`findProcesses() ${way} tells of a process its parent, its group and its environment`, async () => {
    const mark = newMark();
    const child = startMarked(mark, "sleep 300; true");
    await using linked = await linkPrograms(programs);
    try {
      const rows = await until(async () => {
        const rows = await findProcesses(mark, {
          searchPath: linked.directory,
        });
        // For a moment it is a copy of its parent.
        const begun = rows.some(({ parent, command }) =>
          parent === child.pid && command.startsWith("sleep 300")
        );
        return begun && rows;
      });
      const leader = rows.find(({ pid }) => pid === child.pid);
      const sleeper = rows.find(({ parent }) => parent === child.pid);
      assertEquals([leader?.parent, leader?.group], [Deno.pid, child.pid]);
      assertEquals(sleeper?.group, child.pid);
      assert(
        ` ${sleeper?.environment} `.includes(
          ` ${WORKER_TAG_VARIABLE}=${mark} `,
        ),
      );
    } finally {
      await terminateWorker(child, mark);
    }
  });

  Deno.test(`findProcesses() ${way} leaves out processes that have ended and were not reaped`, async () => {
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
      await using linked = await linkPrograms(programs);
      const rows = await findProcesses(mark, {
        searchPath: linked.directory,
      });
      assertEquals(rows.map(({ pid }) => pid), [child.pid]);
    } finally {
      await terminateWorker(child, mark);
    }
  });
}

for (const odd of ["a\rb", "a\u2028b", "a\nb", "a) S 1 2 b"]) {
  Deno.test(`findProcesses() finds a process with ${JSON.stringify(odd)} in its environment and its arguments`, async () => {
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
        await using linked = await linkPrograms(programs);
        await until(async () =>
          (await findProcesses(mark, { searchPath: linked.directory }))
            .some(({ pid }) => pid === child.pid)
        );
      }
    } finally {
      await terminateWorker(child, mark);
    }
  });
}

Deno.test("listProcesses() asks a shell where ps takes other arguments", async () => {
  await using linked = await linkPrograms(["sh", "tr", "false"]);
  const { directory } = linked;
  await Deno.rename(join(directory, "false"), join(directory, "ps"));
  const rows = await listProcesses(directory);
  assert(rows.some(({ pid }) => pid === Deno.pid));
});

Deno.test("listProcesses() fails where there is no way", async () => {
  await using linked = await linkPrograms(["sleep"]);
  await assertRejects(
    () => listProcesses(linked.directory),
    Deno.errors.NotFound,
  );
});

for (const name of ["a) S 1 2 (", "((((", "a b"]) {
  Deno.test(`findProcesses() is not taken in by a program called "${name}"`, async () => {
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
        await using linked = await linkPrograms(programs);
        const row = await until(async () =>
          (await findProcesses(mark, { searchPath: linked.directory }))
            .find(({ pid }) => pid === child.pid)
        );
        assertEquals([row.group, row.parent], [child.pid, Deno.pid]);
      }
    } finally {
      await terminateWorker(child, mark);
    }
  });
}

async function commandsOf(mark: string): Promise<string[]> {
  return (await findProcesses(mark))
    .map(({ command }) => command.split(" ").slice(0, 2).join(" ")).sort();
}

function row(pid: number, fields: Partial<ProcessRow> = {}): ProcessRow {
  return {
    pid,
    parent: 1,
    group: pid,
    user: Deno.uid() ?? 0,
    command: "program",
    environment: "",
    ...fields,
  };
}

function marked(pid: number, mark: string): ProcessRow {
  return row(pid, { environment: `${WORKER_TAG_VARIABLE}=${mark} HOME=/` });
}

function pidsOf(rows: readonly ProcessRow[]): number[] {
  return rows.map(({ pid }) => pid).sort((a, b) => a - b);
}

Deno.test("processesOf() takes a mark whole", () => {
  const rows = ["a.1", "a.10", "xa.1", "a.1.1", "b.1"]
    .map((mark, index) => marked(index + 10, mark));
  assertEquals(pidsOf(processesOf(rows, "a.1")), [10]);
});

Deno.test("processesOf() takes the mark at the very end of the environment", () => {
  const rows = [row(10, { environment: `A=b ${WORKER_TAG_VARIABLE}=a.1` })];
  assertEquals(pidsOf(processesOf(rows, "a.1")), [10]);
});

Deno.test("processesOf() takes all marks that begin alike", () => {
  const rows = ["a.1", "a.10", "xa.1", "ab.1", "b.1"]
    .map((mark, index) => marked(index + 10, mark));
  assertEquals(pidsOf(processesOf(rows, "a.*")), [10, 11]);
});

Deno.test("processesOf() takes another variable's value for no mark", () => {
  const rows = [
    row(10, { environment: `NOT_${WORKER_TAG_VARIABLE}=a.1 ` }),
  ];
  assertEquals(processesOf(rows, "a.1"), []);
});

Deno.test("processesOf() takes the group and all descendants, in any order", () => {
  const rows = [
    row(13, { parent: 12 }),
    row(12, { parent: 11 }),
    row(11, { parent: 10 }),
    row(10, { group: 7 }),
    row(14, { parent: 99 }),
  ];
  assertEquals(pidsOf(processesOf(rows, "a.1", 7)), [10, 11, 12, 13]);
});

Deno.test("processesOf() never takes this process", () => {
  const rows = [marked(Deno.pid, "a.1"), marked(10, "a.1")];
  assertEquals(pidsOf(processesOf(rows, "a.1")), [10]);
});

Deno.test("killAll() ends marked processes wherever they went, and counts them", async () => {
  const mark = newMark();
  const child = startMarked(
    mark,
    "setsid sleep 301 & (setsid sh -c 'sleep 302 & sleep 303' &); sleep 304; true",
  );
  const sleepers = ["sleep 301", "sleep 302", "sleep 303", "sleep 304"];
  await until(async () => {
    const commands = await commandsOf(mark);
    return sleepers.every((sleeper) => commands.includes(sleeper));
  });
  const killed = await killAll(mark);
  await child.status;
  assertEquals(await commandsOf(mark), []);
  assert(killed >= sleepers.length, `${killed}`);
});

Deno.test("killAll() touches no process of another instance", async () => {
  const [ours, theirs] = [newMark(), newMark()];
  const first = startMarked(`${ours}.1`, "exec sleep 300");
  const second = startMarked(`${ours}.2`, "exec sleep 300");
  const other = startMarked(`${theirs}.1`, "exec sleep 300");
  try {
    const sleeps = ["sleep 300", "sleep 300", "sleep 300"];
    await until(async () => {
      const all = [
        ...await commandsOf(`${ours}.*`),
        ...await commandsOf(`${theirs}.*`),
      ];
      return all.join() === sleeps.join();
    });
    assertEquals(await killAll(`${ours}.*`), 2);
    assertEquals(await commandsOf(`${theirs}.*`), ["sleep 300"]);
  } finally {
    other.kill("SIGKILL");
    await Promise.all([first.status, second.status, other.status]);
  }
});

Deno.test("killAll() finds nothing where nothing is", async () => {
  assertEquals(await killAll(newMark()), 0);
});

Deno.test("terminateWorker() lets a process end by itself", async () => {
  const mark = newMark();
  const file = await Deno.makeTempFile();
  const child = startMarked(
    mark,
    `trap 'echo ended > "${file}"; exit 7' TERM; echo ready > "${file}"; sleep 300 & wait`,
  );
  await until(async () => await Deno.readTextFile(file) === "ready\n");
  await terminateWorker(child, mark);
  assertEquals((await child.status).code, 7);
  assertEquals(await Deno.readTextFile(file), "ended\n");
  assertEquals(await commandsOf(mark), []);
  await Deno.remove(file);
});

Deno.test("terminateWorker() kills a process that ignores the request to end", async () => {
  const mark = newMark();
  const file = await Deno.makeTempFile();
  const child = startMarked(
    mark,
    `trap '' TERM; echo ready > "${file}"; while :; do sleep 0.1; done`,
  );
  await until(async () => await Deno.readTextFile(file) === "ready\n");
  await terminateWorker(child, mark);
  assertEquals((await child.status).signal, "SIGKILL");
  assertEquals(await commandsOf(mark), []);
  await Deno.remove(file);
});

Deno.test("terminateWorker() ends what a process left behind when it ended", async () => {
  const mark = newMark();
  const child = startMarked(mark, "setsid sleep 301 & sleep 302 & exit 0");
  await child.status;
  await until(async () => (await commandsOf(mark)).includes("sleep 301"));
  await terminateWorker(child, mark);
  assertEquals(await commandsOf(mark), []);
});

Deno.test("killAll() looks again where a look fails", async () => {
  const mark = newMark();
  const child = startMarked(mark, "trap '' TERM; sleep 300; true");
  await until(async () => (await commandsOf(mark)).length === 2);
  {
    await using failing = await failFirstLooks(3);
    assertEquals(
      await killAll(mark, { searchPath: failing.directory }),
      2,
    );
  }
  await child.status;
  assertEquals(await commandsOf(mark), []);
});

/** Makes programs of which the first looks fail, as where the system has no process left for them. */
async function failFirstLooks(times: number): Promise<LinkedPrograms> {
  const linked = await linkPrograms(["tr"]);
  const { directory } = linked;
  const path = Deno.env.get("PATH") ?? "";
  for (const name of ["ps", "sh"]) {
    const script = `#!/bin/sh
echo >> ${directory}/calls-of-${name}
PATH='${path}'
[ $(wc -l < ${directory}/calls-of-${name}) -le ${times} ] && exit 1
exec ${name} "$@"
`;
    await Deno.writeTextFile(join(directory, name), script, { mode: 0o755 });
  }
  return linked;
}

Deno.test("processesOf() takes a tag in a command line, or of another user, for none", () => {
  const tag = `${WORKER_TAG_VARIABLE}=a.1`;
  const rows = [
    row(10, { command: `program ${tag} ` }),
    row(11, { environment: tag, user: 1 + (Deno.uid() ?? 0) }),
  ];
  assertEquals(processesOf(rows, "a.*", 11), []);
});

for (const programs of [["ps", "sleep"], ["sh", "tr", "sleep"]]) {
  Deno.test(`findProcesses() by ${programs[0]} tells a command line from the environment`, async () => {
    const mark = newMark();
    const tag = `${WORKER_TAG_VARIABLE}=${mark}`;
    const bystander = new Deno.Command("sh", {
      args: ["-c", "sleep 300; true", "sh", tag, tag],
      env: { PATH: Deno.env.get("PATH") ?? "", A: "b" },
      clearEnv: true,
      detached: true,
    }).spawn();
    const worker = startMarked(mark, "sleep 300; true");
    await using linked = await linkPrograms(programs);
    try {
      const rows = await until(async () => {
        const rows = await findProcesses(mark, {
          searchPath: linked.directory,
        });
        return rows.length === 2 && rows;
      });
      assert(rows.every(({ group }) => group === worker.pid));
    } finally {
      await terminateWorker(worker, mark);
      await terminateWorker(bystander, newMark());
    }
  });
}

Deno.test("signalProcess() says that it may not signal a process of another user", async () => {
  // Root has one made for it; everybody else has the first process of the machine.
  const isRoot = Deno.uid() === 0;
  const child = new Deno.Command(isRoot ? "setpriv" : "sleep", {
    args: isRoot
      ? ["--reuid", "65534", "--clear-groups", "sleep", "300"]
      : ["300"],
  }).spawn();
  try {
    await until(async () =>
      (await listProcesses()).some(({ pid, user }) =>
        pid === child.pid && user === (isRoot ? 65_534 : Deno.uid())
      )
    );
    const pid = isRoot ? child.pid : 1;
    const probe = "test/support/kill_probe.ts";
    assertEquals(await runAsAnyUser(probe, `${pid}`), false);
  } finally {
    child.kill();
    await child.status;
  }
});

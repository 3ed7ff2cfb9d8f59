import { assert, assertEquals } from "@std/assert";
import type { Check } from "./checks.ts";
import { inside, inspect, logOf } from "./inspect.ts";
import type { Project } from "./project.ts";

/** How long an address that nobody listens on may take to say so, in milliseconds. */
const CONNECT_MS = 1_000;
const MIB = 2 ** 20;
/** Reads two files behind the guard of workers, of which one is the worker's own. */
const READ_PROBE = `
import { landlockCommand } from "/app/src/codex/read_guard.ts";
for (const path of ["/tmp/own", "/output/foreign", "/data/foreign"]) {
  Deno.writeTextFileSync(path, path);
  const { program, args } = landlockCommand(
    { program: "cat", args: [path] },
    { readable: ["/tmp/own"], writable: ["/auth"], binary: "/usr/local/bin/codex", env: {} },
  );
  const { success } = new Deno.Command(program, { args, stderr: "null" }).outputSync();
  Deno.removeSync(path);
  console.log(path, success);
}`;

/** Checks what the running server may not do, and who may not reach it. */
export async function checkHardening(
  check: Check,
  project: Project,
): Promise<void> {
  await check("published on loopback only", async () => {
    const ports = await inspect(
      project,
      "{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end}}",
    );
    assertEquals(ports, "127.0.0.1");
    const others = Deno.networkInterfaces()
      .filter(({ address, family }) =>
        family === "IPv4" && !address.startsWith("127.")
      )
      .map(({ address }) => address);
    for (const address of others) {
      assertEquals(await connects(address, project.port), false, address);
    }
    return `127.0.0.1, and not ${others.join(", ") || "(no other address)"}`;
  });

  await check("not root, no capability, no new privileges", async () => {
    const status = await inside(
      project,
      `cat /proc/$(pgrep -f -o "^deno run")/status`,
    );
    const field = (name: string) =>
      new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1];
    const user = String(project.uid);
    assertEquals(field("Uid"), Array(4).fill(user).join("\t"));
    for (const set of ["CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"]) {
      assertEquals(Number(`0x${field(set)}`), 0, set);
    }
    assertEquals(field("NoNewPrivs"), "1");
    assertEquals(field("Seccomp"), "2");
    return `user ${user}, all capability sets empty, seccomp on`;
  });

  await check("root not writable", async () => {
    const found = await inside(
      project,
      `for path in / /app /deno-dir /usr/local/bin /etc /var/tmp /opt; do
         touch "$path/x" 2>/dev/null && echo "writable $path"
       done
       printf '#!/bin/sh\\n' >/tmp/x && chmod +x /tmp/x && /tmp/x 2>/dev/null && echo "/tmp runs programs"
       for path in /tmp /data /output; do
         touch "$path/.x" && rm "$path/.x" || echo "not writable $path"
       done`,
    );
    assertEquals(found, "");
    return "only /tmp (which runs no program), /data, /output and the login";
  });

  await check("workers read what is theirs", async () => {
    assert(!(await logOf(project)).includes("codex.read_guard.missing"));
    const found = await inside(
      project,
      `cd /app && deno run --quiet --no-lock --cached-only -A - <<'END'${READ_PROBE}\nEND`,
    );
    assertEquals(found.split("\n"), [
      "/tmp/own true",
      "/output/foreign false",
      "/data/foreign false",
    ]);
    return "their references, and not the pictures and files of others";
  });

  await check("limits in force", async () => {
    const read = (v2: string, v1: string) =>
      inside(
        project,
        `cat /sys/fs/cgroup/${v2} 2>/dev/null || cat /sys/fs/cgroup/${v1}`,
      );
    const memory = await read("memory.max", "memory/memory.limit_in_bytes");
    const peak = await read(
      "memory.peak",
      "memory/memory.max_usage_in_bytes",
    );
    const processes = await read("pids.max", "pids/pids.max");
    const files = await inside(project, "ulimit -n");
    const wanted = await inspect(
      project,
      "{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}",
    );
    assertEquals(`${memory} ${processes}`, wanted);
    assert(Number(memory) > 0 && Number(processes) > 0, wanted);
    assertEquals(files, "8192");
    const mib = (bytes: string) => `${Math.round(Number(bytes) / MIB)} MiB`;
    return `${mib(memory)} (${
      mib(peak)
    } used at most so far, page cache included), ${processes} tasks, ${files} files`;
  });
}

async function connects(hostname: string, port: number): Promise<boolean> {
  const signal = AbortSignal.timeout(CONNECT_MS);
  try {
    const response = await fetch(`http://${hostname}:${port}/healthz`, {
      signal,
    });
    await response.body?.cancel();
    return true;
  } catch (error) {
    if (error instanceof TypeError || error instanceof DOMException) {
      return false;
    }
    throw error;
  }
}

/** One running process. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** The command line, followed by the environment. */
  readonly command: string;
}

interface Way {
  readonly program: string;
  readonly args: readonly string[];
  /** Finds pid, parent, group, state and command in a line, by these names. */
  readonly row: RegExp;
}

const PS: Way = {
  program: "ps",
  args: ["axeww", "-o", "pid=,ppid=,pgid=,stat=,command="],
  row:
    /^\s*(?<pid>\d+)\s+(?<parent>\d+)\s+(?<group>\d+)\s+(?<state>\S+)\s+(?<command>.*)$/s,
};

/** Slim images of Linux have no `ps`, or one that takes other arguments, but a shell that reads what it reads. */
const SHELL: Way = {
  program: "sh",
  args: [
    "-c",
    `for process in /proc/[0-9]*; do
      cat "$process/stat" "$process/cmdline" "$process/environ" | tr '\\0\\n' '  '
      echo
    done 2>/dev/null`,
  ],
  // A name in parentheses may hold others, which no number after it does.
  row:
    /^(?<pid>\d+) \(.{0,64}\) (?<state>\S) (?<parent>\d+) (?<group>\d+) (?:\S+ ){46}\S+ +(?<command>.*)$/s,
};

/**
 * Lists the running processes of this machine, without zombies.
 *
 * @throws {Error} They cannot be listed.
 */
export async function listProcesses(): Promise<ProcessRow[]> {
  try {
    return await listBy(PS);
  } catch {
    return await listBy(SHELL);
  }
}

async function listBy({ args, program, row }: Way): Promise<ProcessRow[]> {
  const { code, stdout, success } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stderr: "null",
  }).output();
  // What it did not list would look like nothing.
  if (!success) {
    throw new Error(`Cannot list processes: ${program} ended with ${code}`);
  }
  const rows: ProcessRow[] = [];
  for (const line of new TextDecoder().decode(stdout).split("\n")) {
    const { pid, parent, group, state, command } = row.exec(line)?.groups ?? {};
    if (pid === undefined || state.startsWith("Z")) continue;
    rows.push({
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      command,
    });
  }
  return rows;
}

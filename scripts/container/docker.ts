/** What of the environment a Docker client needs; the rest could change what Compose makes of the file. */
const PASSED_ON =
  /^(?:PATH|HOME|TMPDIR|LANG|DOCKER_.*|XDG_.*|SSL_.*|https?_proxy|no_proxy)$/i;

/** What a command printed, and how it ended. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a command. */
export interface DockerOptions {
  /** The working directory. */
  readonly cwd?: string;
  /** Variables beside those that a Docker client needs. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether a failure is an answer as well, and no error. */
  readonly mayFail?: boolean;
}

/**
 * Runs `docker` to its end.
 *
 * @throws {Error} It failed; the message is the last thing it said.
 */
export async function docker(
  args: readonly string[],
  { cwd, env, mayFail = false }: DockerOptions = {},
): Promise<Output> {
  const own = Object.entries(Deno.env.toObject())
    .filter(([name]) => PASSED_ON.test(name));
  const { code, stdout, stderr } = await new Deno.Command("docker", {
    args: [...args],
    cwd,
    env: { ...Object.fromEntries(own), ...env },
    clearEnv: true,
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  const output = { code, stdout: decode(stdout), stderr: decode(stderr) };
  if (code !== 0 && !mayFail) {
    const said = output.stderr || output.stdout;
    const command = `docker ${args.slice(0, 4).join(" ")}`;
    throw new Error(`Cannot run "${command}": ${said.split("\n").at(-1)}`);
  }
  return output;
}

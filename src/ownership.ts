/** Mode, links, user and group of `ls -ldn`. */
const LISTED = /^\S+\s+\d+\s+(\d+)\s+(\d+)\s/;

/** Whom a file or directory belongs to. */
export interface Owner {
  readonly user: number;
  readonly group: number;
}

/** Finds the owner of a path also where the server itself may not look; undefined where there is none. */
export async function ownerOf(path: string): Promise<Owner | undefined> {
  const { stdout } = await new Deno.Command("ls", {
    args: ["-ldn", "--", path],
    stdin: "null",
    stderr: "null",
  }).output();
  const [, user, group] = LISTED.exec(new TextDecoder().decode(stdout)) ?? [];
  return user === undefined
    ? undefined
    : { user: Number(user), group: Number(group) };
}

/** Tells whom a path belongs to and how the server may get to use it, in the middle of a sentence. */
export async function ownershipRemedy(path: string): Promise<string> {
  const own = `${Deno.uid()}:${Deno.gid()}`;
  const owner = await ownerOf(path);
  if (owner !== undefined && owner.user === Deno.uid()) {
    return 'it belongs to the server: mount it without "ro", or type "chmod u+rwX" and its path on the host';
  }
  const belongs = owner === undefined
    ? ""
    : `it belongs to ${owner.user}:${owner.group}, `;
  // The server does not run as root in a container.
  const container = owner === undefined || owner.user === 0
    ? ""
    : `, or for the container set APP_UID=${owner.user} and APP_GID=${owner.group}`;
  return `${belongs}the server runs as ${own}: type "sudo chown -R ${own}" and its path on the host${container}`;
}

import { dirname } from "@std/path";

/** The CLI's name for what workers may read. */
const PROFILE = "picture";
/** What every program reads; the rest of the system is links into these. */
const SYSTEM = ["/usr", "/etc", "/run", "/dev", "/proc"] as const;
const READ = "execute,read-file,read-dir";
const WRITE =
  `${READ},write-file,truncate,remove-dir,remove-file,make-dir,make-reg,make-sock,make-sym,refer`;

/**
 * What keeps a worker from reading files that are not its own: the CLI's permission profile, which needs bubblewrap and
 * user namespaces, or Landlock of the kernel, or nothing.
 */
export type ReadGuard = "profile" | "landlock" | "none";

/** A program and its arguments. */
export interface GuardedCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** What a {@linkcode landlockCommand} leaves open. */
export interface LandlockOptions {
  /** Files that may be read. */
  readonly readable: readonly string[];
  /** Directories that may be read and written. */
  readonly writable: readonly string[];
  /** The program's own file, behind all links. */
  readonly binary: string;
  /** The program's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Makes the arguments by which the CLI's tools may read some files and write none.
 *
 * @param readable Paths of files or directories.
 */
export function permissionProfile(readable: readonly string[]): string[] {
  const entries = [":minimal", ...readable]
    .map((path) => `${JSON.stringify(path)}="read"`);
  return [
    "-c",
    `default_permissions=${JSON.stringify(PROFILE)}`,
    "-c",
    `permissions.${PROFILE}.filesystem={${entries.join(",")}}`,
  ];
}

/**
 * Makes the command that runs a program behind Landlock, by `setpriv` of util-linux 2.40 or newer.
 *
 * It takes the place of `setpriv`, so that its process is the program's.
 */
export function landlockCommand(
  { args, program }: GuardedCommand,
  { binary, env, readable, writable }: LandlockOptions,
): GuardedCommand {
  const { CODEX_CA_CERTIFICATE = [], SSL_CERT_DIR, SSL_CERT_FILE = [] } = env;
  const folders = [
    ...SYSTEM,
    dirname(binary),
    ...SSL_CERT_DIR?.split(":") ?? [],
  ];
  const files = [readable, SSL_CERT_FILE, CODEX_CA_CERTIFICATE].flat();
  const rules = [
    ...folders.map((path) => [READ, path]),
    ...files.map((path) => ["read-file", path]),
    ["write-file", "/dev/null"],
    ...writable.map((path) => [WRITE, path]),
  ];
  return {
    program: "setpriv",
    args: [
      "--landlock-access",
      "fs",
      ...rules.flatMap(([access, path]) => [
        "--landlock-rule",
        `path-beneath:${access}:${path}`,
      ]),
      "--",
      program,
      ...args,
    ],
  };
}

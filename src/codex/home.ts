import { join } from "@std/path";
import { removeIfExists } from "../util.ts";

const INSTRUCTIONS = `You turn a description into one picture.

Call the image_gen.imagegen tool once, and give it what the message tells you to give it. Do nothing else: no plan, no other tool, no second attempt, no @exec line. When the tool has answered, reply "done" and stop.
`;

/** What earlier workers may have left in the home; all of it is ours. */
const LEFTOVERS = [
  "generated_images",
  "sessions",
  "shell_snapshots",
  "thread-writer-locks",
] as const;

/** The CLI's own home, apart from the user's. */
export interface CodexHome {
  /** The directory for `CODEX_HOME`. */
  readonly path: string;
  /** The file with our instructions. */
  readonly instructionsFile: string;
  /** The link to the user's login. */
  readonly authFile: string;
  /** A home without a login, for questions to the CLI that need none. */
  readonly loginlessHome: string;
}

/**
 * Prepares a home for the CLI under the data directory.
 *
 * The login is a link and not a copy: refresh tokens are good for one use, so a copy would log the
 * user out. The CLI renames a refreshed login over the link's target.
 *
 * @param dataDir The server's own directory.
 * @param authHome The directory with the user's `auth.json`, which need not be there yet.
 */
export async function prepareHome(
  dataDir: string,
  authHome: string,
): Promise<CodexHome> {
  const path = join(dataDir, "codex-home");
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  for (const name of LEFTOVERS) {
    await removeIfExists(join(path, name));
  }
  const authFile = join(path, "auth.json");
  await link(join(authHome, "auth.json"), authFile);
  const loginlessHome = join(dataDir, "bare-home");
  await Deno.mkdir(loginlessHome, { recursive: true, mode: 0o700 });
  const instructionsFile = join(path, "instructions.md");
  await Deno.writeTextFile(instructionsFile, INSTRUCTIONS);
  return { path, instructionsFile, authFile, loginlessHome };
}

// `Deno.symlink` wants access to the whole disk; `ln` is content with the directory.
async function link(target: string, path: string): Promise<void> {
  if (target === path) return;
  const { success, stderr } = await new Deno.Command("ln", {
    args: ["-sfn", "--", target, path],
    stdin: "null",
    stdout: "null",
  }).output();
  if (success) return;
  const reason = new TextDecoder().decode(stderr).trim();
  throw new Error(`Cannot link the login "${target}": ${reason}`);
}

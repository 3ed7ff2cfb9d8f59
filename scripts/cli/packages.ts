import { join } from "@std/path";

/**
 * Fetches the native binary of one version of the CLI, unless it is there.
 *
 * @param directory Where versions are kept, each in a folder of its own.
 * @returns The path of the binary.
 */
export async function fetchCli(
  version: string,
  directory: string,
): Promise<string> {
  const folder = join(directory, version);
  const known = await findBinary(folder);
  if (known !== undefined) return known;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(
    join(folder, "deno.json"),
    JSON.stringify({
      nodeModulesDir: "auto",
      imports: { "@openai/codex": `npm:@openai/codex@${version}` },
    }),
  );
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet"],
    cwd: folder,
    stdin: "null",
    stdout: "null",
  }).output();
  const binary = await findBinary(folder);
  if (success && binary !== undefined) return binary;
  const reason = new TextDecoder().decode(stderr).trim();
  throw new Error(`Cannot fetch Codex ${version}: ${reason}`);
}

async function findBinary(folder: string): Promise<string | undefined> {
  const packages = join(folder, "node_modules", ".deno");
  for (const name of await namesIn(packages)) {
    const scope = join(packages, name, "node_modules", "@openai");
    for (const platform of await namesIn(scope)) {
      const vendor = join(scope, platform, "vendor");
      for (const triple of await namesIn(vendor)) {
        const binary = join(vendor, triple, "bin", "codex");
        if ((await namesIn(join(vendor, triple, "bin"))).includes("codex")) {
          return binary;
        }
      }
    }
  }
  return undefined;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(directory));
    return entries.map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    if (error instanceof Deno.errors.NotADirectory) return [];
    throw error;
  }
}

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import manifest from "../../deno.json" with { type: "json" };
import type { Check } from "./checks.ts";
import { docker } from "./docker.ts";
import type { Project } from "./project.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..");
/** Files that may name a version of Deno, each of which must be the one of the Dockerfile. */
const NAMING = [".ci/run", "README.md", "docs/docker.md"];
const NOT_IN_IMAGE = "node npm npx gcc cc g++ make python3 curl git";

/** Checks what the image is made of. */
export async function checkImage(
  check: Check,
  project: Project,
): Promise<void> {
  const run = async (script: string) => {
    // Root sees every file of it.
    const args = ["run", "--rm", "--user=0", project.image, "bash", "-c"];
    return (await docker([...args, script])).stdout;
  };

  await check("one pin of Deno", async () => {
    const dockerfile = await Deno.readTextFile(join(ROOT, "Dockerfile"));
    const pin = /^ARG DENO_VERSION=(.+)$/m.exec(dockerfile)?.[1];
    const [, version] = (await run("deno --version")).split(/\s+/);
    assertEquals(version, pin, "the image has another Deno");
    assertEquals(Deno.version.deno, pin, "this is another Deno");
    for (const name of NAMING) {
      const text = await readOrEmpty(join(ROOT, name));
      for (const [, named] of text.matchAll(/\bdeno[@ ]v?(\d+\.\d+\.\d+)/gi)) {
        assertEquals(named, pin, `${name} names another Deno`);
      }
    }
    return `${pin} in Dockerfile, image and here`;
  });

  await check("one pin of Codex", async () => {
    const pin = manifest.imports["@openai/codex"].split("@").at(-1);
    const [, version] = (await run("codex --version")).split(/\s+/);
    assertEquals(version, pin);
    const binaries = await run("find / -xdev -name codex -type f -size +50M");
    assertEquals(binaries.split("\n").length, 1, binaries);
    return `${pin}, the binary once`;
  });

  await check("nothing that is not needed", async () => {
    const tools = await run(`command -v ${NOT_IN_IMAGE} || true`);
    assertEquals(tools, "");
    const caches = await run(
      "find /var/cache/apt /var/lib/apt/lists /root /tmp -type f -size +4k",
    );
    assertEquals(caches, "");
    const tests = await run("find /app -name '*_test.ts' -o -name '.env*'");
    assertEquals(tests, "");
    return "no Node, npm, compiler, package cache or test";
  });

  await check("size", async () => {
    const size = await docker([
      "image",
      "inspect",
      "--format",
      "{{.Size}}",
      project.image,
    ]);
    const total = Number(size.stdout) / 1e6;
    assert(total < 650, `${total.toFixed(0)} MB`);
    const parts = await run(
      `cd /deno-dir/npm/*/
       codex=$(readlink -f /usr/local/bin/codex)
       du -Lcb --apparent-size "$codex" | tail -1 | sed 's/total/Codex/'
       du -Lcb "$codex-code-mode-host" | tail -1 | sed 's/total/its tool host/'
       du -cb /usr/local/bin/deno | tail -1 | sed 's/total/Deno/'
       du -cb $(ls -d * | grep -v @openai) | tail -1 | sed 's/total/libraries/'
       du -cb /app /deno-dir/gen | tail -1 | sed 's/total/the server/'`,
    );
    const rows = parts.split("\n").map((row) => row.split("\t"));
    const known = rows.reduce((sum, [bytes]) => sum + Number(bytes) / 1e6, 0);
    const listed = rows.map(([bytes, name]) =>
      `${name} ${(Number(bytes) / 1e6).toFixed(0)}`
    );
    const rest = `Debian ${(total - known).toFixed(0)}`;
    return `${total.toFixed(0)} MB: ${[...listed, rest].join(", ")}`;
  });
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

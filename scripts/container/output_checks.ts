import { assert, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { Check } from "./checks.ts";
import { logOf } from "./inspect.ts";
import type { Project } from "./project.ts";

/** Checks that a server without a place for its files refuses to start, and says why. */
export async function checkOutput(
  check: Check,
  project: Project,
): Promise<void> {
  await check("output folder of another user", async () => {
    const folder = await project.makeFolder("closed");
    await Deno.chmod(folder, 0o555);
    if (Deno.uid() === 0) await Deno.chown(folder, 4321, 4322);
    await project.configure({ OUTPUT_DIR: folder });
    return await refusal(project, "CODEX_IMAGE_SERVER_OUTPUT_DIR");
  });

  await check("data of another user", async () => {
    const folder = await project.makeFolder("open");
    await Deno.chmod(folder, 0o777);
    await project.configure({
      OUTPUT_DIR: folder,
      APP_UID: "5432",
      APP_GID: "5433",
    });
    return await refusal(project, "CODEX_IMAGE_SERVER_DATA_DIR");
  });

  await check("output folder that is not there", async () => {
    await project.configure({ OUTPUT_DIR: join(project.directory, "none") });
    const { code, stderr } = await project.compose(
      ["up", "--detach", "--no-build"],
      { mayFail: true },
    );
    assert(code !== 0, "it started");
    const line = stderr.split("\n").at(-1) ?? "";
    assertStringIncludes(line, "none");
    return line;
  });
}

async function refusal(project: Project, setting: string): Promise<string> {
  await project.compose(["up", "--detach", "--no-build"]);
  await project.until(
    "it has said why",
    async () => (await logOf(project)).includes("Cannot use"),
  );
  const [line] = (await logOf(project)).split("\n");
  assertStringIncludes(line, setting);
  return line;
}

/**
 * Builds the image, runs it the way a user would, and checks it from the host: `deno task container-test`.
 *
 * It needs Docker with Compose, works in a folder and a Compose project of its own, and takes all of it down.
 */
import { startChecks } from "./container/checks.ts";
import { checkHardening } from "./container/hardening_checks.ts";
import { checkImage } from "./container/image_checks.ts";
import { checkLifecycle } from "./container/lifecycle_checks.ts";
import { checkLogins } from "./container/login_checks.ts";
import { checkOutput } from "./container/output_checks.ts";
import { Project } from "./container/project.ts";
import { checkRefresh } from "./container/refresh_checks.ts";
import { checkService } from "./container/service_checks.ts";

const checks = startChecks();
const { check } = checks;
await using project = await Project.create();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, async () => {
    await project[Symbol.asyncDispose]();
    Deno.exit(1);
  });
}

const isBuilt = await check("build", async () => {
  await project.build();
  return project.image;
});
if (isBuilt) {
  await checkImage(check, project);
  const isUp = await check("up with the sandbox backend", async () => {
    await project.configure({
      CODEX_IMAGE_SERVER_SANDBOX: "1",
      CODEX_IMAGE_SERVER_ALLOWED_HOSTS: `codex-image-server:${project.port}`,
    });
    await project.restart();
    return project.url;
  });
  if (isUp) {
    await checkService(check, project);
    await checkHardening(check, project);
    await checkLifecycle(check, project);
  }
  await checkLogins(check, project);
  await checkRefresh(check, project);
  await checkOutput(check, project);
}

console.log(`${checks.passed} passed, ${checks.failed} failed`);
Deno.exitCode = checks.failed === 0 ? 0 : 1;

import { docker, type DockerOptions } from "./docker.ts";
import type { Project } from "./project.ts";

/** Asks the engine about the server's container; the format is that of `docker inspect`. */
export async function inspect(
  project: Project,
  format: string,
): Promise<string> {
  const id = await containerOf(project, "server");
  return (await docker(["inspect", "--format", format, id])).stdout;
}

/** Runs a bash script in the server's container, and gives what it prints. */
export async function inside(
  project: Project,
  script: string,
  options?: Pick<DockerOptions, "mayFail">,
): Promise<string> {
  const args = ["exec", "-T", "server", "bash", "-c", script];
  return (await project.compose(args, options)).stdout;
}

/** Lists the command lines of the processes in the server's container. */
export async function processes(project: Project): Promise<string[]> {
  const id = await containerOf(project, "server");
  const { stdout } = await docker(["top", id, "-eo", "pid,args"]);
  return stdout.split("\n").slice(1)
    .map((row) => row.trim().replace(/^\d+\s+/, ""));
}

/** Gives what a service has printed. */
export async function logOf(
  project: Project,
  service = "server",
): Promise<string> {
  const id = await containerOf(project, service);
  const { stdout, stderr } = await docker(["logs", id]);
  return `${stdout}\n${stderr}`.trim();
}

async function containerOf(
  project: Project,
  service: string,
): Promise<string> {
  return (await project.compose(["ps", "--all", "--quiet", service])).stdout;
}

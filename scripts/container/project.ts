import { delay } from "@std/async/delay";
import { join } from "@std/path";
import { docker, type DockerOptions, type Output } from "./docker.ts";

const REPOSITORY = join(import.meta.dirname ?? ".", "..", "..");
const POLL_MS = 100;
const WAIT_MS = 30_000;

/** A user other than that of the image, where this machine's allows it. */
const FOREIGN_USER = 1234;

/**
 * A Compose project of its own in a new folder, as a user would set it up: the repository's
 * `compose.yaml`, a `.env`, an `output` and a `login` folder.
 */
export class Project implements AsyncDisposable {
  /** The Compose project's name. */
  readonly name = `codex-image-server-test-${Deno.pid}`;
  /** The name of the image. */
  readonly image = `codex-image-server:test-${Deno.pid}`;
  /** The folder. */
  readonly directory: string;
  /** The published port, which was free a moment ago. */
  readonly port: number;
  /** The user that the server runs as. */
  readonly uid: number;
  /** The group that the server runs as. */
  readonly gid: number;

  private constructor(directory: string, port: number) {
    this.directory = directory;
    this.port = port;
    const isRoot = Deno.uid() === 0;
    this.uid = isRoot ? FOREIGN_USER : Deno.uid() ?? FOREIGN_USER;
    this.gid = isRoot ? FOREIGN_USER + 1 : Deno.gid() ?? FOREIGN_USER;
  }

  /** Sets the folder up. */
  static async create(): Promise<Project> {
    const directory = await Deno.makeTempDir({ prefix: "container-test-" });
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const project = new Project(directory, listener.addr.port);
    await Deno.copyFile(
      join(REPOSITORY, "compose.yaml"),
      join(directory, "compose.yaml"),
    );
    await project.makeFolder("output");
    await project.makeFolder("login");
    return project;
  }

  /** The address of the server. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Makes a folder that belongs to the server's user, and gives its path. */
  async makeFolder(name: string): Promise<string> {
    const path = join(this.directory, name);
    await Deno.mkdir(path);
    await this.giveAway(path);
    return path;
  }

  /** Gives a file or folder to the server's user. */
  giveAway(path: string): Promise<void> {
    return Deno.chown(path, this.uid, this.gid);
  }

  /** Writes `.env`, and `compose.override.yaml` where something is to be overridden. */
  async configure(
    env: Readonly<Record<string, string>>,
    override: unknown = { services: {} },
  ): Promise<void> {
    const variables = {
      IMAGE: this.image,
      APP_UID: this.uid,
      APP_GID: this.gid,
      CODEX_AUTH_HOME: "./login",
      CODEX_IMAGE_SERVER_PORT: this.port,
      ...env,
    };
    const lines = Object.entries(variables)
      .map(([name, value]) => `${name}=${value}\n`);
    await Deno.writeTextFile(join(this.directory, ".env"), lines.join(""));
    await Deno.writeTextFile(
      join(this.directory, "compose.override.yaml"),
      // JSON is YAML.
      JSON.stringify(override),
    );
  }

  /** Builds the image from the repository. */
  async build(): Promise<void> {
    await docker(["compose", "--project-name", this.name, "build"], {
      cwd: REPOSITORY,
      env: { IMAGE: this.image },
    });
  }

  /** Runs `docker compose` in the folder. */
  compose(args: readonly string[], options?: DockerOptions): Promise<Output> {
    return docker(["compose", "--project-name", this.name, ...args], {
      ...options,
      cwd: this.directory,
      env: { PWD: this.directory, ...options?.env },
    });
  }

  /** Starts the containers anew and waits until the server answers. */
  async restart(): Promise<void> {
    await this.compose(["up", "--detach", "--no-build", "--force-recreate"]);
    await this.untilAnswers();
  }

  /** Waits until the server answers. */
  untilAnswers(): Promise<void> {
    return this.until("the server answers", async () => {
      const response = await fetch(`${this.url}/healthz`).catch(() =>
        undefined
      );
      await response?.body?.cancel();
      return response?.ok ?? false;
    });
  }

  /** Waits until something is so; fails after half a minute. */
  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + WAIT_MS;
    while (!await isSo()) {
      if (Date.now() > end) {
        throw new Error(`Cannot wait any longer until ${what}`);
      }
      await delay(POLL_MS);
    }
  }

  /** Takes everything down: containers, volumes, network, image and folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    const down = ["down", "--volumes", "--remove-orphans", "--timeout", "0"];
    await this.compose(down, { mayFail: true });
    await docker(["image", "rm", "--force", this.image], { mayFail: true });
    await Deno.remove(this.directory, { recursive: true });
  }
}

import { join } from "@std/path";
import {
  findProcesses,
  type ProcessRow,
} from "../../src/codex/process_tree.ts";
import type { Place } from "./place.ts";
import { until } from "./until.ts";

/** One line of the log. */
export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** How busy a server is. */
export interface Workers {
  readonly active: number;
  readonly max: number;
  readonly queued: number;
  readonly queue_max: number;
}

/** A running server, whether in this process or in one of its own. */
export class TestServer {
  /** Its address. */
  readonly url: string;
  /** Where it keeps its files, and the backend of its workers. */
  readonly place: Place;
  readonly #log: () => string;
  readonly #apiKey: string;
  /** How much of the log is forgotten. */
  #forgotten = 0;

  /**
   * @param log Tells what was logged so far.
   * @param apiKey The key of the server, if it has one.
   */
  constructor(url: string, place: Place, log: () => string, apiKey = "") {
    this.url = url;
    this.place = place;
    this.#log = log;
    this.#apiKey = apiKey;
  }

  /** The port that it listens on. */
  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** The log so far, as it was written, but for what is forgotten. */
  get logText(): string {
    return this.#log().slice(this.#forgotten);
  }

  /** The lines of the log so far that tell of one event, or all of them. */
  logLines(event?: string): readonly LogLine[] {
    return this.logText.split("\n").slice(0, -1)
      .map((line): LogLine => JSON.parse(line))
      .filter((line) => event === undefined || line.event === event);
  }

  /** Sends a body to `POST /v1/images/generate`. */
  generate(body: unknown, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.url}/v1/images/generate`, {
      method: "POST",
      body: JSON.stringify(body),
      ...init,
      headers: { "content-type": "application/json", ...init.headers },
    });
  }

  /** Asks `GET /healthz` how busy it is. */
  async workers(): Promise<Workers> {
    const headers = { "x-api-key": this.#apiKey };
    const response = await fetch(`${this.url}/healthz`, { headers });
    return (await response.json()).workers;
  }

  /** Lists the processes of its workers. */
  async processes(): Promise<readonly ProcessRow[]> {
    const instance = Deno.readTextFileSync(
      join(this.place.dataDir, "instance"),
    );
    return await findProcesses(`${instance}.*`);
  }

  /**
   * Waits until nothing is left of what was asked so far, and forgets its log and what it asked of the sandbox.
   *
   * Tests that share a server begin with it, so that each sees what came of itself.
   */
  async forget(): Promise<void> {
    // Without a worker there is nothing to wait for.
    if (this.logText.includes('"codex.exec.start"')) await this.untilIdle();
    this.place.sandbox.record.clear();
    this.#forgotten = this.#log().length;
  }

  /** Waits until the sandbox draws so many pictures since the start or the last `forget()`, finished or not. */
  async untilDrawing(pictures: number): Promise<void> {
    const { record } = this.place.sandbox;
    await until(() => {
      const fresh = record.to("/v1/images/generations").length;
      return fresh + record.to("/v1/images/edits").length >= pictures;
    });
  }

  /** Waits until nothing of any request is left: no place taken, no file of a worker, no process. */
  async untilIdle(ms?: number): Promise<void> {
    let state: unknown = undefined;
    await until(async () => {
      const { active, queued } = await this.workers();
      const files = filesIn(join(this.place.dataDir, "work"));
      state = { active, queued, files };
      if (active + queued + files.length > 0) return false;
      // To list the processes takes two programs, for which there is a reason only now.
      const processes = await this.processes();
      state = { active, queued, files, processes };
      return processes.length === 0;
    }, { ms, state: () => JSON.stringify(state) });
  }

  /**
   * Waits until no process of a worker is left.
   *
   * @param ms How long that may take: the two seconds in which they have to be gone when their caller is.
   * @throws {Error} Some are left after that.
   */
  async untilNoProcess(ms = 2_000): Promise<void> {
    let left: readonly string[] = [];
    await until(async () => {
      left = (await this.processes()).map(({ command }) => command);
      return left.length === 0;
    }, { ms, state: () => left.join("\n") });
  }
}

/** Runs a step of a test by its name. */
export type RunStep = (
  name: string,
  step: () => void | Promise<void>,
) => Promise<boolean>;

/** Lets the steps of a test share a server, of which each sees what came of itself alone. */
export function stepsOn(server: TestServer, test: Deno.TestContext): RunStep {
  return (name, step) =>
    test.step({
      name,
      fn: async () => {
        await server.forget();
        await step();
      },
      // What the server has open goes on from step to step; of the whole test nothing may be left.
      sanitizeOps: false,
      sanitizeResources: false,
    });
}

/** Names what lies in a directory, in order. */
export function filesIn(directory: string): string[] {
  return Array.from(Deno.readDirSync(directory), ({ name }) => name).sort();
}

import type { RecordedRequest } from "../../src/sandbox/backend.ts";
import type { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const DRAWINGS = ["/v1/images/generations", "/v1/images/edits"];

/** What a server has been asked for since a moment. */
export interface WorkCount {
  /** How many jobs it has started. */
  readonly jobs: number;
  /** How many runs of the CLI it has started. */
  readonly runs: number;
  /** The requests for pictures that its sandbox has seen, oldest first, finished or not. */
  readonly drawings: readonly RecordedRequest[];
  /** Waits until its sandbox draws so many pictures, finished or not. */
  untilDrawing(pictures: number): Promise<void>;
}

/** Counts what a server that others have used before is asked for from now on. */
export function countWork(server: TestServer): WorkCount {
  const { record } = server.place.sandbox;
  const lines = (event: string) => server.logLines(event).length;
  const drawn = DRAWINGS.map((path) => record.to(path).length);
  const jobs = lines("generate.start");
  const runs = lines("codex.exec.start");
  const drawings = () =>
    DRAWINGS.flatMap((path, index) => record.to(path).slice(drawn[index]));
  return {
    get jobs() {
      return lines("generate.start") - jobs;
    },
    get runs() {
      return lines("codex.exec.start") - runs;
    },
    get drawings() {
      return drawings();
    },
    untilDrawing: async (pictures) => {
      await until(() => drawings().length >= pictures, {
        state: () => `${drawings().length} of ${pictures} drawings`,
      });
    },
  };
}

/** Waits until no process is left, in the time that is promised for it, and then until nothing else is. */
export async function untilGone(
  server: TestServer,
  ms?: number,
): Promise<void> {
  await server.untilNoProcess(ms);
  await server.untilIdle(10_000);
}

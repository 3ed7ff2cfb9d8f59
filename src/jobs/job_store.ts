import { join } from "@std/path";
import type { GenerateRequest } from "../api/generate_request.ts";
import type { JobView } from "../api/schemas.ts";
import { removeIfExists } from "../util.ts";
import { type CandidateState, newCandidate } from "./job.ts";

/** How a job stands. */
export type JobStatus = JobView["status"];

/** Everything of a job that outlives the process. */
export interface JobRecord {
  /** `gen_…` */
  readonly id: string;
  readonly requestId: string;
  readonly status: JobStatus;
  /** In milliseconds since 1970. */
  readonly createdAt: number;
  /** In milliseconds since 1970; undefined until it is done. */
  readonly endedAt?: number;
  /** What was asked, without the words. */
  readonly request: RequestSummary;
  readonly candidates: readonly CandidateState[];
  /** The id of the last event. */
  readonly lastEventId: number;
  /** The answer of the API, once there is one. */
  readonly answer?: unknown;
  /** Why there is none. */
  readonly failure?: JobError;
}

/** Why a job has no answer. */
export interface JobError {
  readonly code: string;
  readonly message: string;
  /** When to try again, in milliseconds since 1970, where that is known. */
  readonly retryAt?: number;
}

/** A request without its words and pictures. */
export type RequestSummary = JobView["request"];

/** Makes the record of a job that has just been asked for. */
export function newJobRecord(
  id: string,
  request: GenerateRequest,
  requestId: string,
): JobRecord {
  return {
    id,
    requestId,
    status: "queued",
    createdAt: Date.now(),
    request: {
      count: request.count,
      requested_size: request.requestedSize,
      quality: request.quality,
      output_format: request.outputFormat,
      reference_count: request.references.length,
    },
    candidates: Array.from(
      { length: request.count },
      (_, i) => newCandidate(i),
    ),
    lastEventId: 0,
  };
}

/** Whether nothing more will happen to a job that stands so. */
export function isFinished(status: JobStatus): boolean {
  return status !== "queued" && status !== "running";
}

const NAME = /^(gen_[0-9a-f-]{36})\.json$/;

/** Keeps the records of jobs as files, so that a restart forgets none. */
export class JobFiles {
  readonly #directory: string;
  readonly #keepWords: boolean;
  /** The last write of each job: two at once could leave the older record. */
  readonly #writing = new Map<string, Promise<void>>();

  /**
   * @param directory Where the files are; nothing else should be there.
   * @param keepWords Whether the files may hold what the user wrote.
   */
  constructor(directory: string, keepWords: boolean) {
    this.#directory = directory;
    this.#keepWords = keepWords;
  }

  /** Reads all records; files that are no records are left alone. */
  async readAll(): Promise<JobRecord[]> {
    await Deno.mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const records: JobRecord[] = [];
    for await (const { name } of Deno.readDir(this.#directory)) {
      const id = NAME.exec(name)?.[1];
      const record = id === undefined ? undefined : await this.#read(id);
      if (record !== undefined) records.push(record);
    }
    return records;
  }

  /** Writes a record, whole or not at all. */
  async write(record: JobRecord): Promise<void> {
    const { id } = record;
    const turn = (this.#writing.get(id) ?? Promise.resolve())
      .then(() => this.#write(record));
    // The next writer waits for this one, and has its own success or failure.
    const settled = turn.catch(() => {});
    this.#writing.set(id, settled);
    settled.then(() => {
      if (this.#writing.get(id) === settled) this.#writing.delete(id);
    });
    await turn;
  }

  /** Forgets a job. */
  async remove(id: string): Promise<void> {
    await this.#writing.get(id);
    await removeIfExists(this.#path(id));
  }

  async #write(record: JobRecord): Promise<void> {
    const path = this.#path(record.id);
    const temp = `${path}.tmp`;
    const text = JSON.stringify(
      record,
      (name, value) =>
        name === "revised_prompt" && !this.#keepWords ? null : value,
    );
    await Deno.writeTextFile(temp, text, { mode: 0o600 });
    await Deno.rename(temp, path);
  }

  async #read(id: string): Promise<JobRecord | undefined> {
    try {
      const record = JSON.parse(await Deno.readTextFile(this.#path(id)));
      return record?.id === id && Array.isArray(record.candidates)
        // What earlier versions have written does not tell it.
        ? { lastEventId: 1, ...record }
        : undefined;
    } catch (error) {
      // A file that a power cut has torn is as good as none.
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.json`);
  }
}

/** What is said of a job that a restart has cut off. */
export const RESTARTED = {
  code: "server_restarted",
  message: "The server was restarted before the job was done",
} as const;

/** More events than a job can have told after its record was last written. */
const UNWRITTEN_EVENTS = 10_000;

/** What an orderly end of the server has told those who waited. */
const STOPPED = "shutting_down";

/** Ends the record of a job that a former life of the server has left unfinished, or has ended because it ended itself. */
export function endAfterRestart(record: JobRecord, now: number): JobRecord {
  const { endedAt = now, failure, status } = record;
  const isUnfinished = status === "queued" || status === "running";
  if (!isUnfinished && failure?.code !== STOPPED) return record;
  return {
    ...record,
    status: "failed",
    endedAt,
    failure: RESTARTED,
    // A new one for whoever reads on.
    lastEventId: record.lastEventId + UNWRITTEN_EVENTS,
    candidates: record.candidates.map((state) =>
      state.endedAt === undefined || state.code === STOPPED
        ? { index: state.index, phase: "failed", endedAt, ...RESTARTED }
        : state
    ),
  };
}

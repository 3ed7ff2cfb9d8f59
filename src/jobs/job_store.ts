import { join } from "@std/path";
import { z } from "zod";
import type { GenerateRequest } from "../api/generate_request.ts";
import { candidateSchema, jobSchema } from "../api/schemas.ts";
import { readSmallText } from "../images/regular_file.ts";
import { removeIfExists, tryParseJson } from "../util.ts";

const NAME = /^(gen_[0-9a-f-]{36})\.json$/;
/** How long the file of a job may be: an answer is some kilobytes. */
const MAX_BYTES = 4_194_304;
/** How deep an answer may be nested. */
const MAX_DEPTH = 16;
/** More events than a job can have told after its record was last written. */
const UNWRITTEN_EVENTS = 10_000;
/** What an orderly end of the server has told those who waited. */
const STOPPED = "shutting_down";

const TIME = z.int().min(0).max(8.64e15);
const STATUS = jobSchema.shape.status;
const REQUEST = jobSchema.shape.request.readonly();
const FAILURE = z.object({
  code: z.string(),
  message: z.string(),
  /** When to try again, in milliseconds since 1970, where that is known. */
  retryAt: z.number().optional(),
}).readonly();
const CANDIDATE = z.object({
  /** Which of the request's candidates, from 0. */
  index: z.int().min(0),
  /** The last step. */
  phase: candidateSchema.shape.phase,
  /** The place in the queue, from 1, while it waits. */
  position: z.int().optional(),
  /** What it waits for, beside its turn, and until when. */
  paused: z.object({ code: z.string(), until: TIME }).readonly().optional(),
  /** When it came up, in milliseconds since 1970. */
  startedAt: TIME.optional(),
  /** When it was done, in milliseconds since 1970. */
  endedAt: TIME.optional(),
  /** The stored image. */
  imageId: z.string().optional(),
  /** Why there is none. */
  code: z.string().optional(),
  /** The same for people. */
  message: z.string().optional(),
}).readonly();
const RECORD = z.object({
  /** `gen_…` */
  id: z.string(),
  requestId: z.string(),
  status: STATUS,
  /** In milliseconds since 1970. */
  createdAt: TIME,
  /** In milliseconds since 1970; undefined until it is done. */
  endedAt: TIME.optional(),
  /** What was asked, with the words where they are kept. */
  request: REQUEST,
  candidates: z.array(CANDIDATE).readonly(),
  /** The id of the last event; what earlier versions have written does not tell it. */
  lastEventId: z.int().min(0).default(1),
  /** The answer of the API, once there is one. */
  answer: z.unknown().refine((answer) => isShallow(answer, MAX_DEPTH))
    .optional(),
  /** Why there is none. */
  failure: FAILURE.optional(),
}).readonly();

/** What is said of a job that a restart has cut off. */
export const RESTARTED = {
  code: "server_restarted",
  message: "The server was restarted before the job was done",
} as const;

/** How a job stands. */
export type JobStatus = z.infer<typeof STATUS>;

/** Everything of a job that outlives the process. */
export type JobRecord = z.infer<typeof RECORD>;

/** How far one candidate has come, as it is told and kept. */
export type CandidateState = z.infer<typeof CANDIDATE>;

/** Why a job has no answer. */
export type JobError = z.infer<typeof FAILURE>;

/** What was read from the files of jobs. */
export interface StoredJobs {
  readonly records: readonly JobRecord[];
  /** The names of the files that are no records. */
  readonly unusable: readonly string[];
}

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

/** Makes the state of a candidate that has done nothing yet. */
export function newCandidate(index: number): CandidateState {
  return { index, phase: "queued" };
}

/** Whether nothing more will happen to a job that stands so. */
export function isFinished(status: JobStatus): boolean {
  return status !== "queued" && status !== "running";
}

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

  /** Reads all records; files that are none are left alone. */
  async readAll(): Promise<StoredJobs> {
    await Deno.mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const records: JobRecord[] = [];
    const unusable: string[] = [];
    for await (const { name } of Deno.readDir(this.#directory)) {
      const id = NAME.exec(name)?.[1];
      if (id === undefined) continue;
      const record = await this.#read(id);
      if (record === undefined) unusable.push(name);
      else records.push(record);
    }
    return { records, unusable };
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
    await Deno.writeTextFile(temp, this.#format(record), { mode: 0o600 });
    await Deno.rename(temp, path);
  }

  async #read(id: string): Promise<JobRecord | undefined> {
    const text = await readSmallText(this.#path(id), MAX_BYTES);
    const { data: record } = RECORD.safeParse(tryParseJson(text ?? ""));
    if (record?.id !== id) return undefined;
    // It may have been written when words were kept.
    return this.#keepWords ? record : JSON.parse(this.#format(record));
  }

  #format(record: JobRecord): string {
    return JSON.stringify(record, (name, value) => {
      if (this.#keepWords) return value;
      if (name === "prompt") return undefined;
      return name === "revised_prompt" ? null : value;
    });
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.json`);
  }
}

/** Ends the record of a job that a previous run of the server has left unfinished, or has ended because it ended itself. */
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

/** Whether a value of JSON can be written again, which takes a call for every level. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 &&
    Object.values(value).every((inner) => isShallow(inner, levels - 1));
}

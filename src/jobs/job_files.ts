import { join } from "@std/path";
import { removeIfThere } from "../remove.ts";
import type { JobRecord } from "./job_record.ts";

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
    await removeIfThere(this.#path(id));
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

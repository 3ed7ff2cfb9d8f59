import { DatabaseSync } from "node:sqlite";

/** The result codes of SQLite that say that a file is damaged, or no database at all. */
const DAMAGED: readonly number[] = [11, 26];

/** The settings of an {@linkcode IndexFile}. */
export interface IndexFileOptions {
  /** Where it is; made if it is not there. */
  readonly path: string;
  /** The statements that make its tables. */
  readonly schema: string;
  /** What tables and contents depend on, a whole number from 1: a file of another version is made anew. */
  readonly version: number;
  /** Called when the file turned out to be damaged and was made anew, empty. */
  readonly onDamage: () => void;
}

/** A SQLite database that holds nothing that cannot be found out again: where it cannot be used, it is made anew. */
export class IndexFile implements Disposable {
  readonly #options: IndexFileOptions;
  #database: DatabaseSync;

  constructor(options: IndexFileOptions) {
    this.#options = options;
    this.#database = openExisting(options) ?? create(options);
  }

  /**
   * Does something in one transaction. If the file is damaged, it is done again, with a new and empty one.
   *
   * @throws What `task` throws; then nothing of it has happened
   */
  use<T>(task: (database: DatabaseSync) => T): T {
    try {
      return transact(this.#database, task);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#database.close();
      this.#database = create(this.#options);
      this.#options.onDamage();
      return transact(this.#database, task);
    }
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function openExisting(options: IndexFileOptions): DatabaseSync | undefined {
  const database = new DatabaseSync(options.path);
  try {
    configure(database);
    const row = database.prepare("PRAGMA user_version").get();
    if (row?.user_version === options.version) return database;
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  database.close();
}

function create({ path, schema, version }: IndexFileOptions): DatabaseSync {
  for (const suffix of ["", "-wal", "-shm"]) removeIfThere(path + suffix);
  const database = new DatabaseSync(path);
  configure(database);
  database.exec(`BEGIN; ${schema}; PRAGMA user_version = ${version}; COMMIT`);
  return database;
}

/** A loss of power can take the last changes along, but nothing else, and no change waits for the disk. */
function configure(database: DatabaseSync): void {
  run(database, "PRAGMA journal_mode = WAL");
  run(database, "PRAGMA synchronous = NORMAL");
}

function transact<T>(
  database: DatabaseSync,
  task: (database: DatabaseSync) => T,
): T {
  run(database, "BEGIN");
  try {
    const result = task(database);
    run(database, "COMMIT");
    return result;
  } catch (error) {
    if (database.isTransaction) run(database, "ROLLBACK");
    throw error;
  }
}

function run(database: DatabaseSync, sql: string): void {
  // Unlike those of `exec`, the errors of a prepared statement have a code.
  database.prepare(sql).run();
}

function isDamage(error: unknown): boolean {
  // The lowest byte is the code, the others say more about it.
  return error instanceof Error && "errcode" in error &&
    DAMAGED.includes(Number(error.errcode) & 0xff);
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

import { DatabaseSync } from "node:sqlite";

/** For which file a process alone would wait, and nothing is kept. */
const IN_MEMORY = ":memory:";
/**
 * The {@link https://www.sqlite.org/rescode.html | result codes} of SQLite that say that a file cannot be used as it is:
 * locked by another program, read-only, unreadable, damaged, on a full disk, not to be opened, or no database at all.
 */
const UNUSABLE: readonly number[] = [5, 6, 8, 10, 11, 13, 14, 26];
/** Its code for a table or column that is not there. */
const ERROR = 1;

/** The settings of a {@linkcode DisposableDatabase}. */
export interface DisposableDatabaseOptions {
  /** Where it is; made if it is not there. */
  readonly path: string;
  /** The statements that make its tables. */
  readonly schema: string;
  /** A query of every table and column, by which a file with others is known. */
  readonly probe: string;
  /** What tables and contents depend on, a whole number from 1: a file of another version is made anew. */
  readonly version: number;
  /** Called when the file turned out to be unusable and was made anew, empty. */
  readonly onDamage: () => void;
}

/**
 * A SQLite database that holds nothing that cannot be found out again: where its file cannot be used, it is made anew, in
 * memory if need be.
 */
export class DisposableDatabase implements Disposable {
  readonly #options: DisposableDatabaseOptions;
  #database: DatabaseSync;

  constructor(options: DisposableDatabaseOptions) {
    this.#options = options;
    const opened = openExisting(options);
    const isOpen = opened instanceof DatabaseSync;
    this.#database = isOpen ? opened : create(options);
    if (opened === "unusable") options.onDamage();
  }

  /**
   * Does something in one transaction. If the file cannot be used, it is done again, with a new and empty one.
   *
   * @throws What `task` throws; then nothing of it has happened
   */
  use<T>(task: (database: DatabaseSync) => T): T {
    try {
      return transact(this.#database, task);
    } catch (error) {
      if (!isUnusable(error)) throw error;
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

function openExisting(
  { path, probe, version }: DisposableDatabaseOptions,
): DatabaseSync | "outdated" | "unusable" {
  const database = openFile(path);
  if (database === undefined) return "unusable";
  try {
    configure(database);
    const row = database.prepare("PRAGMA user_version").get();
    if (row?.user_version === version) {
      database.prepare(probe);
      return database;
    }
    database.close();
    return "outdated";
  } catch (error) {
    if (!isUnusable(error) && codeOf(error) !== ERROR) throw error;
    database.close();
    return "unusable";
  }
}

function openFile(path: string): DatabaseSync | undefined {
  try {
    return new DatabaseSync(path);
  } catch (error) {
    // The reason has no code: the path is a directory, or the file is another user's.
    if (!(error instanceof Error)) throw error;
  }
}

function create(options: DisposableDatabaseOptions): DatabaseSync {
  try {
    for (const suffix of ["", "-wal", "-shm"]) {
      removeIfPresent(options.path + suffix);
    }
    return createAt(options.path, options);
  } catch (error) {
    // A disk that is full or fails is no reason to be without a list.
    if (!(error instanceof Error)) throw error;
    return createAt(IN_MEMORY, options);
  }
}

function createAt(
  path: string,
  { schema, version }: DisposableDatabaseOptions,
): DatabaseSync {
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

function isUnusable(error: unknown): boolean {
  return UNUSABLE.includes(codeOf(error) ?? 0);
}

function codeOf(error: unknown): number | undefined {
  // The lowest byte is the code, the others say more about it.
  return error instanceof Error && "errcode" in error
    ? Number(error.errcode) & 0xff
    : undefined;
}

function removeIfPresent(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

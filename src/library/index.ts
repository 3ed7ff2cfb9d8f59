import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import type { Sidecar } from "../images/sidecar.ts";
import { firstSortKey, nextFirstSortKey } from "./library.ts";

/** Scripts that put no space between words: every character counts as a word. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;
const WORD = /[\p{L}\p{M}\p{N}]+/gu;

/** Writes text so that a full-text index finds the words in it, also those of scripts without spaces. */
export function toSearchable(text: string): string {
  return text.replaceAll(UNSPACED, " $& ");
}

/**
 * Writes what a person searches for as a query of SQLite's full-text search: every word has to be there, in any order.
 *
 * @returns Nothing if there is no word in it
 * @example
 * ```ts
 * import { toSearchQuery } from "./index.ts";
 *
 * toSearchQuery("red fox, 狐狸"); // '"red" "fox" " 狐  狸 "'
 * ```
 */
export function toSearchQuery(text: string): string | undefined {
  const words = text.match(WORD) ?? [];
  if (words.length === 0) return;
  return words.map((word) => `"${toSearchable(word)}"`).join(" ");
}

/** Which images to list. */
export interface IndexQuery {
  /** How many at most. */
  readonly limit: number;
  /** Only images before this place. */
  readonly before?: number;
  /** Only images of this job. */
  readonly job?: string;
  /** Only images whose prompts have these words, as `toSearchQuery` writes them. */
  readonly words?: string;
}

/** Writes a query as SQL that walks an index down from a place, and no farther than it needs to. */
export function composeQuery(query: IndexQuery): {
  readonly sql: string;
  readonly values: Record<string, SQLInputValue>;
} {
  const { limit, before = Number.MAX_SAFE_INTEGER, job, words } = query;
  const conditions = ["place < :before"];
  const values: Record<string, SQLInputValue> = { limit, before };
  if (job !== undefined) {
    conditions.push("job = :job");
    values.job = job;
  }
  if (words !== undefined) {
    conditions.push(
      job === undefined
        ? "place IN (SELECT rowid FROM words WHERE words MATCH :words AND rowid < :before ORDER BY rowid DESC LIMIT :limit)"
        // A job has a handful of images: each is looked up, and not every image with these words.
        : "EXISTS (SELECT 1 FROM words WHERE words MATCH :words AND rowid = place)",
    );
    values.words = words;
  }
  const where = conditions.join(" AND ");
  return {
    sql:
      `SELECT id, place AS sortKey, bytes FROM images WHERE ${where} ORDER BY place DESC LIMIT :limit`,
    values,
  };
}

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
  for (const suffix of ["", "-wal", "-shm"]) removeIfExists(path + suffix);
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

function removeIfExists(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Changes with the schema and with what is written into it. */
const VERSION = 1;
const SCHEMA = `
  CREATE TABLE images (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL,
    bytes INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX images_by_job ON images (job, place);
  CREATE VIRTUAL TABLE words USING fts5 (
    text,
    content = '',
    contentless_delete = 1,
    tokenize = 'porter unicode61 remove_diacritics 2'
  )`;
const NOTHING: IndexTotals = { images: 0, bytes: 0 };

/** The settings of an {@linkcode ImageIndex}. */
export interface ImageIndexOptions {
  /** The file of the database. */
  readonly path: string;
  /** Whether the words of prompts can be searched for. */
  readonly storePrompts: boolean;
  /** Called when the file turned out to be damaged and was made anew, empty. */
  readonly onDamage: () => void;
}

/** An image in the index. */
export interface IndexedImage {
  readonly id: string;
  /** Where it stands; later images have higher places. */
  readonly sortKey: number;
  /** The length of its files without the sidecar. */
  readonly bytes: number;
}

/** How much is in the index. */
export interface IndexTotals {
  readonly images: number;
  /** The length of all files without the sidecars. */
  readonly bytes: number;
}

/**
 * The order of images and the words of their prompts, in a file that can be made anew from the sidecars at any time.
 *
 * How long a method takes does not depend on how many images there are; the opening counts them.
 */
export class ImageIndex implements Disposable {
  readonly #file: IndexFile;
  readonly #storePrompts: boolean;
  #totals = NOTHING;

  constructor(options: ImageIndexOptions) {
    const { path, storePrompts } = options;
    this.#storePrompts = storePrompts;
    this.#file = new IndexFile({
      path,
      schema: SCHEMA,
      version: VERSION * 2 + (storePrompts ? 1 : 0),
      onDamage: () => {
        this.#totals = NOTHING;
        options.onDamage();
      },
    });
    const totals =
      "SELECT count(*) AS images, coalesce(sum(bytes), 0) AS bytes FROM images";
    this.#totals = this.#file.use((database) =>
      database.prepare(totals).get() as unknown as IndexTotals
    );
  }

  /** How much is in it. */
  get totals(): IndexTotals {
    return this.#totals;
  }

  /** Tells whether an image is in it. */
  has(id: string): boolean {
    return this.#file.use((database) => isListed(database, id));
  }

  /** Adds the images that are not in it yet, and tells how many these were. */
  add(sidecars: readonly Sidecar[]): number {
    const added = this.#file.use((database) => {
      let { images, bytes } = NOTHING;
      for (const sidecar of sidecars) {
        if (isListed(database, sidecar.id)) continue;
        this.#insert(database, sidecar);
        images += 1;
        bytes += bytesOf(sidecar);
      }
      return { images, bytes };
    });
    this.#count(added);
    return added.images;
  }

  /** Removes an image, and tells whether it was in it. */
  remove(id: string): boolean {
    const removed = this.#file.use((database) => {
      const [image] = database.prepare(
        "DELETE FROM images WHERE id = ? RETURNING id, place AS sortKey, bytes",
      ).all(id) as unknown as IndexedImage[];
      database.prepare("DELETE FROM words WHERE rowid = ?")
        .run(image?.sortKey ?? null);
      return image;
    });
    if (removed === undefined) return false;
    this.#count({ images: -1, bytes: -removed.bytes });
    return true;
  }

  /** Lists images, those with the highest places first. */
  list(query: IndexQuery): readonly IndexedImage[] {
    const { sql, values } = composeQuery(query);
    return this.#file.use((database) =>
      database.prepare(sql).all(values) as unknown as IndexedImage[]
    );
  }

  /** Finds the image with the lowest place. */
  oldest(): IndexedImage | undefined {
    const sql =
      "SELECT id, place AS sortKey, bytes FROM images ORDER BY place LIMIT 1";
    return this.#file.use((database) =>
      database.prepare(sql).get() as unknown as IndexedImage | undefined
    );
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #insert(database: DatabaseSync, sidecar: Sidecar): void {
    const sortKey = freePlace(database, sidecar.created_at);
    database.prepare("INSERT INTO images VALUES (?, ?, ?, ?)")
      .run(sortKey, sidecar.id, sidecar.generation_id, bytesOf(sidecar));
    if (!this.#storePrompts) return;
    const { prompt = "", revised_prompt } = sidecar;
    database.prepare("INSERT INTO words (rowid, text) VALUES (?, ?)")
      .run(sortKey, toSearchable(`${prompt}\n${revised_prompt ?? ""}`));
  }

  #count({ images, bytes }: IndexTotals): void {
    this.#totals = {
      images: this.#totals.images + images,
      bytes: this.#totals.bytes + bytes,
    };
  }
}

function isListed(database: DatabaseSync, id: string): boolean {
  const sql = "SELECT 1 FROM images WHERE id = ?";
  return database.prepare(sql).get(id) !== undefined;
}

function bytesOf({ bytes, original }: Sidecar): number {
  return bytes + (original?.bytes ?? 0);
}

/** Finds the first place from a time on that nobody has, behind all of the same millisecond. */
function freePlace(database: DatabaseSync, createdAt: string): number {
  const taken = database.prepare(
    "SELECT max(place) AS place FROM images WHERE place >= ? AND place < ?",
  );
  let first = firstSortKey(createdAt);
  while (true) {
    const next = nextFirstSortKey(first);
    const last = taken.get(first, next)?.place;
    if (typeof last !== "number") return first;
    if (last + 1 < next) return last + 1;
    first = next;
  }
}

import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { Sidecar } from "../images/sidecar.ts";
import { DisposableDatabase } from "./database.ts";

/** How many images of one millisecond have sort keys of that millisecond; further ones get those of the next. */
const PER_MILLISECOND = 1024;
/** The last millisecond whose sort keys are exact numbers: in the year 2248. */
const LAST_MILLISECOND = 2 ** 43 - 1;
const CURSOR = /^([0-9a-z]{1,11})-([0-9a-z]{2})$/;
/** What sort keys are divided by for the digits at the end of a cursor: a prime that two of them hold. */
const CHECK = 1_291;
/** Scripts that put no space between words: every character counts as a word. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;
const WORD = /[\p{L}\p{M}\p{N}]+/gu;
/** Changes with the schema and with what is written into it. */
const VERSION = 2;
const SCHEMA = `
  CREATE TABLE images (
    sort_key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL,
    bytes INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX images_by_job ON images (job, sort_key);
  CREATE VIRTUAL TABLE words USING fts5 (
    text,
    content = '',
    contentless_delete = 1,
    tokenize = 'porter unicode61 remove_diacritics 2'
  )`;
const PROBE =
  "SELECT sort_key, id, job, bytes FROM images LEFT JOIN words ON words.rowid = sort_key LIMIT 1";
/** How the columns of an {@linkcode IndexedImage} are read. */
const COLUMNS = "id, sort_key AS sortKey, bytes";
const NOTHING: IndexTotals = { images: 0, bytes: 0 };

/** Which images to list. */
export interface IndexQuery {
  /** How many at most. */
  readonly limit: number;
  /** Only images before this sort key. */
  readonly before?: number;
  /** Only images of this job. */
  readonly job?: string;
  /** Only images whose prompts have these words, as `toSearchQuery` writes them. */
  readonly words?: string;
  /** Only these images. */
  readonly ids?: readonly string[];
}

/** The settings of an {@linkcode ImageIndex}. */
export interface ImageIndexOptions {
  /** The file of the database. */
  readonly path: string;
  /** Whether the words of prompts can be searched for. */
  readonly storePrompts: boolean;
  /** Called when the file turned out to be unusable and was made anew, empty. */
  readonly onDamage: () => void;
}

/** An image in the index. */
export interface IndexedImage {
  readonly id: string;
  /** Where it stands; later images have higher ones. */
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
 * The first sort key of a time. It is a whole number that an image keeps as long as it is listed: later images have higher
 * ones, so that one number is the order, the key and where a page ends.
 *
 * @param createdAt As a sidecar has it: an ISO 8601 date
 */
export function firstSortKey(createdAt: string): number {
  const time = Math.floor(Date.parse(createdAt));
  return Math.min(Math.max(time, 0), LAST_MILLISECOND) * PER_MILLISECOND;
}

/** The first sort key of the following millisecond. */
export function nextFirstSortKey(sortKey: number): number {
  return (Math.floor(sortKey / PER_MILLISECOND) + 1) * PER_MILLISECOND;
}

/** Tells the time of a sort key, in milliseconds since 1970. */
export function timeOf(sortKey: number): number {
  return Math.floor(sortKey / PER_MILLISECOND);
}

/** Writes a sort key as a cursor for callers, with two digits at its end by which a damaged one is known. */
export function formatCursor(sortKey: number): string {
  const check = (sortKey % CHECK).toString(36).padStart(2, "0");
  return `${sortKey.toString(36)}-${check}`;
}

/** Reads a cursor; nothing if it is not one. */
export function parseCursor(text: string): number | undefined {
  const [, digits = ""] = CURSOR.exec(text) ?? [];
  const sortKey = Number.parseInt(digits, 36);
  const isOne = Number.isSafeInteger(sortKey) && formatCursor(sortKey) === text;
  return isOne ? sortKey : undefined;
}

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

/** Writes a query as SQL that walks an index down from a sort key, and no farther than it needs to. */
export function composeQuery(query: IndexQuery): {
  readonly sql: string;
  readonly values: Record<string, SQLInputValue>;
} {
  const { before = Number.MAX_SAFE_INTEGER, ids, job, limit, words } = query;
  const conditions = ["sort_key < :before"];
  const values: Record<string, SQLInputValue> = { limit, before };
  if (job !== undefined) {
    conditions.push("job = :job");
    values.job = job;
  }
  if (words !== undefined) {
    conditions.push(
      job === undefined
        ? "sort_key IN (SELECT rowid FROM words WHERE words MATCH :words AND rowid < :before ORDER BY rowid DESC LIMIT :limit)"
        // A job has a handful of images: each is looked up, and not every image with these words.
        : "EXISTS (SELECT 1 FROM words WHERE words MATCH :words AND rowid = sort_key)",
    );
    values.words = words;
  }
  if (ids !== undefined) {
    conditions.push("id IN (SELECT value FROM json_each(:ids))");
    values.ids = JSON.stringify(ids);
  }
  const where = conditions.join(" AND ");
  return {
    sql:
      `SELECT ${COLUMNS} FROM images WHERE ${where} ORDER BY sort_key DESC LIMIT :limit`,
    values,
  };
}

/**
 * The order of images and the words of their prompts, in a file that can be made anew from the sidecars at any time.
 *
 * How long a method takes does not depend on how many images there are; the opening counts them.
 */
export class ImageIndex implements Disposable {
  readonly #database: DisposableDatabase;
  readonly #storePrompts: boolean;
  #totals = NOTHING;

  constructor({ onDamage, path, storePrompts }: ImageIndexOptions) {
    this.#storePrompts = storePrompts;
    this.#database = new DisposableDatabase({
      path,
      schema: SCHEMA,
      probe: PROBE,
      version: VERSION * 2 + (storePrompts ? 1 : 0),
      onDamage: () => {
        this.#totals = NOTHING;
        onDamage();
      },
    });
    const totals =
      "SELECT count(*) AS images, coalesce(sum(bytes), 0) AS bytes FROM images";
    this.#totals = this.#database.use((database) =>
      database.prepare(totals).get() as unknown as IndexTotals
    );
  }

  /** How much is in it. */
  get totals(): IndexTotals {
    return this.#totals;
  }

  /** Tells whether an image is in it. */
  has(id: string): boolean {
    return this.#database.use((database) => isListed(database, id));
  }

  /** Adds the images that are not in it yet, and tells how many these were. */
  add(sidecars: readonly Sidecar[]): number {
    const added = this.#database.use((database) => {
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
    const removed = this.#database.use((database) => {
      const [image] = database.prepare(
        `DELETE FROM images WHERE id = ? RETURNING ${COLUMNS}`,
      ).all(id) as unknown as IndexedImage[];
      database.prepare("DELETE FROM words WHERE rowid = ?")
        .run(image?.sortKey ?? null);
      return image;
    });
    if (removed === undefined) return false;
    this.#count({ images: -1, bytes: -removed.bytes });
    return true;
  }

  /** Lists images, those with the highest sort keys first. */
  list(query: IndexQuery): readonly IndexedImage[] {
    const { sql, values } = composeQuery(query);
    return this.#database.use((database) =>
      database.prepare(sql).all(values) as unknown as IndexedImage[]
    );
  }

  /** Finds the image with the lowest sort key. */
  oldest(): IndexedImage | undefined {
    const sql = `SELECT ${COLUMNS} FROM images ORDER BY sort_key LIMIT 1`;
    return this.#database.use((database) =>
      database.prepare(sql).get() as unknown as IndexedImage | undefined
    );
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#database[Symbol.dispose]();
  }

  #insert(database: DatabaseSync, sidecar: Sidecar): void {
    const sortKey = freeSortKey(database, sidecar.created_at);
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

/** Finds the first sort key from a time on that no image has, behind all of the same millisecond. */
function freeSortKey(database: DatabaseSync, createdAt: string): number {
  const taken = database.prepare(
    "SELECT max(sort_key) AS last FROM images WHERE sort_key >= ? AND sort_key < ?",
  );
  let first = firstSortKey(createdAt);
  while (true) {
    const next = nextFirstSortKey(first);
    const last = taken.get(first, next)?.last;
    if (typeof last !== "number") return first;
    if (last + 1 < next) return last + 1;
    first = next;
  }
}

import type { DatabaseSync } from "node:sqlite";
import type { Sidecar } from "../images/sidecar.ts";
import { IndexFile } from "./index_file.ts";
import { composeQuery, type IndexQuery } from "./index_query.ts";
import { firstPlace, nextFirstPlace } from "./place.ts";
import { toSearchable } from "./search_words.ts";

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
  readonly place: number;
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
        "DELETE FROM images WHERE id = ? RETURNING id, place, bytes",
      ).all(id) as unknown as IndexedImage[];
      database.prepare("DELETE FROM words WHERE rowid = ?")
        .run(image?.place ?? null);
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
    const sql = "SELECT id, place, bytes FROM images ORDER BY place LIMIT 1";
    return this.#file.use((database) =>
      database.prepare(sql).get() as unknown as IndexedImage | undefined
    );
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #insert(database: DatabaseSync, sidecar: Sidecar): void {
    const place = freePlace(database, sidecar.created_at);
    database.prepare("INSERT INTO images VALUES (?, ?, ?, ?)")
      .run(place, sidecar.id, sidecar.generation_id, bytesOf(sidecar));
    if (!this.#storePrompts) return;
    const { prompt = "", revised_prompt } = sidecar;
    database.prepare("INSERT INTO words (rowid, text) VALUES (?, ?)")
      .run(place, toSearchable(`${prompt}\n${revised_prompt ?? ""}`));
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
  let first = firstPlace(createdAt);
  while (true) {
    const next = nextFirstPlace(first);
    const last = taken.get(first, next)?.place;
    if (typeof last !== "number") return first;
    if (last + 1 < next) return last + 1;
    first = next;
  }
}

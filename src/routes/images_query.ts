import { closestString } from "@std/text/closest-string";
import { Failure } from "../failure.ts";
import { quote } from "../http/quote.ts";
import type { IndexQuery } from "../library/index_query.ts";
import { parseCursor } from "../library/place.ts";
import { toSearchQuery } from "../library/search_words.ts";

const NAMES = ["limit", "cursor", "job", "q"];
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
const MAX_TEXT = 200;

/** What {@linkcode parseImagesQuery} depends on. */
export interface ImagesQueryOptions {
  /** Whether prompts can be searched for. */
  readonly storePrompts: boolean;
}

/**
 * Reads the query of `GET /v1/images`.
 *
 * @throws {Failure} `unknown_parameter`: one cannot be used; what is searched for does not stand in the message.
 */
export function parseImagesQuery(
  query: URLSearchParams,
  options: ImagesQueryOptions,
): IndexQuery {
  for (const name of query.keys()) {
    if (!NAMES.includes(name)) throw unknown(name);
  }
  const [limit, cursor, job, q] = NAMES.map((name) => query.get(name));
  return {
    limit: limit === null ? DEFAULT_LIMIT : readLimit(limit),
    before: cursor === null ? undefined : readCursor(cursor),
    job: job ?? undefined,
    words: q === null ? undefined : readWords(q, options),
  };
}

function readLimit(text: string): number {
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw refuse(
    "limit",
    ` ${quote(text)}: expected a whole number from 1 to ${MAX_LIMIT}`,
  );
}

function readCursor(text: string): number {
  const place = parseCursor(text);
  if (place !== undefined) return place;
  throw refuse(
    "cursor",
    ` ${quote(text)}: expected the "next_cursor" of an earlier answer`,
  );
}

function readWords(text: string, { storePrompts }: ImagesQueryOptions): string {
  if (!storePrompts) {
    throw refuse(
      "q",
      ": prompts are not stored, expected the setting CODEX_IMAGE_SERVER_STORE_PROMPTS=1",
    );
  }
  const words = text.length > MAX_TEXT ? undefined : toSearchQuery(text);
  if (words !== undefined) return words;
  throw refuse(
    "q",
    ` of length ${text.length}: expected words, at most ${MAX_TEXT} characters`,
  );
}

function unknown(name: string): Failure {
  const nearest = closestString(name.slice(0, 60), NAMES);
  return new Failure(
    "unknown_parameter",
    `Cannot use ${
      quote(name)
    }: there is no such parameter, the nearest is "${nearest}"`,
    { param: name.slice(0, 60) },
  );
}

function refuse(param: string, problem: string): Failure {
  const message = `Cannot use ${param}${problem}`;
  return new Failure("unknown_parameter", message, { param });
}

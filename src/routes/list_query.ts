import { closestString } from "@std/text/closest-string";
import type { Config } from "../config.ts";
import { ApiError } from "../errors.ts";
import {
  type IndexQuery,
  parseCursor,
  toSearchQuery,
} from "../library/index.ts";
import { truncateAndQuote } from "../util.ts";

const NAMES = ["limit", "cursor", "job", "q"];
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
const MAX_TEXT = 200;

/**
 * Reads the query of `GET /v1/images`.
 *
 * @throws {ApiError} `unknown_parameter`: one cannot be used; what is searched for does not stand in the message.
 */
export function parseImagesQuery(
  query: URLSearchParams,
  options: Pick<Config, "storePrompts">,
): IndexQuery {
  for (const name of query.keys()) {
    if (!NAMES.includes(name)) throw unknown(name);
  }
  const [limit, cursor, job, q] = NAMES.map((name) => query.get(name));
  return {
    limit: readLimit(limit),
    before: cursor === null ? undefined : readCursor(cursor),
    job: job ?? undefined,
    words: q === null ? undefined : readWords(q, options),
  };
}

/**
 * Reads how many entries of a list are asked for: 1 to 100, or 20 where nothing is said.
 *
 * @throws {ApiError} `unknown_parameter`: it is no such number.
 */
export function readLimit(text: string | null): number {
  if (text === null) return DEFAULT_LIMIT;
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw refuse(
    "limit",
    ` ${
      truncateAndQuote(text)
    }: expected a whole number from 1 to ${MAX_LIMIT}`,
  );
}

function readCursor(text: string): number {
  const place = parseCursor(text);
  if (place !== undefined) return place;
  throw refuse(
    "cursor",
    ` ${
      truncateAndQuote(text)
    }: expected the "next_cursor" of an earlier answer`,
  );
}

function readWords(
  text: string,
  { storePrompts }: Pick<Config, "storePrompts">,
): string {
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

function unknown(name: string): ApiError {
  const nearest = closestString(name.slice(0, 60), NAMES);
  return new ApiError(
    "unknown_parameter",
    `Cannot use ${
      truncateAndQuote(name)
    }: there is no such parameter, the nearest is "${nearest}"`,
    { param: name.slice(0, 60) },
  );
}

function refuse(param: string, problem: string): ApiError {
  const message = `Cannot use ${param}${problem}`;
  return new ApiError("unknown_parameter", message, { param });
}

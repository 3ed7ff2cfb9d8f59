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
 * import { toSearchQuery } from "./search_words.ts";
 *
 * toSearchQuery("red fox, 狐狸"); // '"red" "fox" " 狐  狸 "'
 * ```
 */
export function toSearchQuery(text: string): string | undefined {
  const words = text.match(WORD) ?? [];
  if (words.length === 0) return;
  return words.map((word) => `"${toSearchable(word)}"`).join(" ");
}

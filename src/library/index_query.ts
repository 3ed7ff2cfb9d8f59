import type { SQLInputValue } from "node:sqlite";

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
      `SELECT id, place, bytes FROM images WHERE ${where} ORDER BY place DESC LIMIT :limit`,
    values,
  };
}

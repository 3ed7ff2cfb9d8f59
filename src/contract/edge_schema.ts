import * as z from "zod";

/** The longest edge of a canvas or a reference that a caller may tell of, in pixels. */
const MAX_EDGE = 1_000_000;

const EXPECTED = `expected a number from 1 to ${
  MAX_EDGE.toLocaleString("en-US")
}`;

/** The schema of an edge that a caller tells of; fractions are welcome, for applications measure in other units. */
export const edgeSchema = z.number(EXPECTED).min(1, EXPECTED)
  .max(MAX_EDGE, EXPECTED);

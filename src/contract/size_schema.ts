import * as z from "zod";
import { nearestLegalSize } from "./legal_sizes.ts";
import { PRESETS } from "./preset.ts";
import { checkSize, formatSize } from "./size.ts";
import type { SizeChoice } from "./target.ts";

const EXPECTED =
  `expected "auto", "1K", "2K", "4K" or WIDTHxHEIGHT such as "1536x864"`;

const PIXELS = /^([1-9]\d{0,5})x([1-9]\d{0,5})$/;

/** A size as the caller wrote it, and what it means. */
export interface RequestedSize {
  /** The caller's own spelling, such as `4k`. */
  readonly text: string;
  /** What it means. */
  readonly choice: SizeChoice;
}

/** The schema of `size`: `auto`, a preset in either case, or a legal `WIDTHxHEIGHT`. */
export const sizeSchema = z.string(EXPECTED).transform(
  (text, context): RequestedSize => {
    const choice = parseChoice(text);
    if (choice !== undefined) {
      const problem = findProblem(choice);
      if (problem === undefined) return { text, choice };
      context.addIssue(problem);
    } else {
      context.addIssue(EXPECTED);
    }
    return z.NEVER;
  },
);

function parseChoice(text: string): SizeChoice | undefined {
  if (text === "auto") return "auto";
  const preset = PRESETS.find((name) => name === text.toUpperCase());
  if (preset !== undefined) return preset;
  const match = PIXELS.exec(text);
  if (match === null) return undefined;
  return { width: Number(match[1]), height: Number(match[2]) };
}

function findProblem(choice: SizeChoice): string | undefined {
  if (typeof choice === "string") return undefined;
  const broken = checkSize(choice);
  if (broken === undefined) return undefined;
  return `${broken}, the nearest legal size is ${
    formatSize(nearestLegalSize(choice))
  }`;
}

import { basename } from "@std/path";
import { REFERENCE_LIMITS } from "../contract/reference_limits.ts";
import { Failure } from "../failure.ts";
import type { Reference } from "./references.ts";

/** How a reference reached the models: its very bytes, or a copy that only the chat model saw. */
export type Delivered = "original" | "seen";

/** An attempt that was ended because Codex left originals out of its tool call. */
export class OriginalsLeftOut extends Failure {
  override name = "OriginalsLeftOut";
}

/**
 * Reads off the tool calls which references the image model got as files.
 *
 * What counts is what Codex recorded, not what it was asked to do.
 *
 * @param calls The tool calls: JSON arguments, or the program that makes the call.
 */
export function readReceipts(
  references: readonly Reference[],
  calls: readonly string[],
): Delivered[] {
  return references.map(({ path }) =>
    calls.some((call) => call.includes(basename(path))) ? "original" : "seen"
  );
}

/**
 * Makes sure that the tool calls pass all originals that the tool can take.
 *
 * Where Codex has recorded no call there is nothing to go by, and nothing is asked for.
 *
 * @throws {OriginalsLeftOut} They do not.
 */
export function requireOriginals(
  references: readonly Reference[],
  calls: readonly string[],
): void {
  const left = leftOut(readReceipts(references, calls));
  if (left.length === 0 || calls.length === 0) return;
  throw new OriginalsLeftOut(
    "codex_exec_failed",
    `Codex did not pass ${
      nameAll(left, references)
    } to the image model as files`,
  );
}

/** Says which originals did not reach the image model as far as Codex's record tells. */
export function receiptWarnings(
  references: readonly Reference[],
  calls: readonly string[],
): string[] {
  const left = leftOut(readReceipts(references, calls));
  if (left.length === 0) return [];
  const names = nameAll(left, references);
  return [
    calls.length === 0
      ? `Cannot tell whether ${names} reached the image model as files: Codex recorded no tool call`
      : `Codex showed ${names} to the chat model only, although it was asked twice to pass the files`,
  ];
}

function leftOut(receipts: readonly Delivered[]): number[] {
  return receipts.slice(0, REFERENCE_LIMITS.maxOriginals)
    .flatMap((delivered, index) => delivered === "seen" ? [index] : []);
}

function nameAll(
  indexes: readonly number[],
  references: readonly Reference[],
): string {
  return indexes.map((index) => {
    const { label } = references[index];
    const name = `reference ${index + 1}`;
    return label === "" ? name : `${name} (${JSON.stringify(label)})`;
  }).join(", ");
}

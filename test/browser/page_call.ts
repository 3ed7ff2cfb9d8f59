import { deadline } from "@std/async/deadline";
import type { Frame, Page } from "playwright-core";

const LIMIT_MS = 60_000;

// What scripts return is JSON whose form the tests check.
// deno-lint-ignore no-explicit-any
type Json = any;

/**
 * Calls a function that the scripts of a page have made global, and awaits it for at most a minute.
 *
 * @param values What to call it with: JSON.
 */
export async function callInPage(
  frame: Frame | Page,
  name: string,
  ...values: readonly unknown[]
): Promise<Json> {
  const list = values.map((value) => JSON.stringify(value)).join(", ");
  return await deadline(frame.evaluate(`${name}(${list})`), LIMIT_MS);
}

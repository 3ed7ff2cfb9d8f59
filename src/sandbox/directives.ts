/** The words `sandbox:…` with which a prompt provokes a failure or a property of the picture. */
const DIRECTIVE = /\bsandbox:([a-z-]+)(?:=([\w.-]+))?(?:@([1-4]))?/g;

/** Everything that a prompt can ask of the sandbox. */
export const DIRECTIVE_NAMES = [
  "alike",
  "bytes",
  "capacity",
  "closing",
  "drop",
  "error",
  "expired-login",
  "forget",
  "forget-always",
  "hang",
  "image-capacity",
  "image-proxy-page",
  "image-usage-limit",
  "mcp",
  "moderation",
  "native",
  "no-image",
  "no-tool",
  "proxy-page",
  "rate-limit",
  "refuse",
  "refuse-instructions",
  "same",
  "slow",
  "spawn-escapee",
  "truncated",
  "usage-limit",
] as const;

/** A name from {@linkcode DIRECTIVE_NAMES}. */
export type DirectiveName = typeof DIRECTIVE_NAMES[number];

/** The directives of one prompt, as they concern one candidate. */
export type Directives = ReadonlyMap<DirectiveName, string>;

/**
 * Reads the directives that concern one candidate out of a prompt.
 *
 * `sandbox:slow=5000` concerns every candidate, `sandbox:moderation@3` the third only.
 * Unknown names are left alone: they are words of the user.
 *
 * @example
 * ```ts
 * import { readDirectives } from "./directives.ts";
 *
 * const directives = readDirectives("a fox sandbox:slow=500 sandbox:refuse@2", 1);
 * console.log(directives.get("slow"), directives.has("refuse")); // 500 false
 * ```
 */
export function readDirectives(prompt: string, candidate: number): Directives {
  const directives = new Map<DirectiveName, string>();
  for (const [, name, value, only] of prompt.matchAll(DIRECTIVE)) {
    if (only !== undefined && Number(only) !== candidate) continue;
    const known = DIRECTIVE_NAMES.find((known) => known === name);
    if (known !== undefined) directives.set(known, value ?? "");
  }
  return directives;
}

import type { Sidecar } from "./sidecar.ts";

/** What is said of an image and holds words of the caller. */
type Words = Pick<Sidecar, "prompt" | "revised_prompt">;

/** Copies what is said of an image without the prompt and without what the chat model made of it. */
export function withoutWords<Said extends Words>(
  said: Said,
): Omit<Said, "prompt"> & { readonly revised_prompt: null } {
  const { prompt: _, ...rest } = said;
  return { ...rest, revised_prompt: null };
}

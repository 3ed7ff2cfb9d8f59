import { MODEL } from "../contract/choices.ts";
import type { Generation } from "../generation/generation.ts";
import type { FinishedCandidate, Usage } from "../generation/batch.ts";
import type { Addresses } from "./addresses.ts";

/** The answer of `POST /v1/images/generate`. */
export type GenerateAnswer = ReturnType<typeof generateAnswer>;

/** Writes the answer of `POST /v1/images/generate`, as the contract has it. */
export function generateAnswer(generation: Generation, addresses: Addresses) {
  const { failed, finished, references, request, usage } = generation;
  const data = finished.map((candidate) => describeImage(candidate, addresses));
  const [first] = data;
  return {
    id: generation.id,
    status: failed.length === 0 ? "completed" as const : "partial" as const,
    backend: "codex-exec" as const,
    model: MODEL,
    requested_size: request.requestedSize,
    resolved_size: first.resolved_size,
    quality: request.quality,
    mime_type: first.mime_type,
    path: first.path,
    url: first.url,
    revised_prompt: first.revised_prompt,
    data,
    errors: failed.map(({ index, failure }) => ({
      index,
      code: failure.code,
      message: failure.message,
    })),
    warnings: finished.flatMap(({ index, warnings }) =>
      warnings.map((message) => ({ index, message }))
    ),
    references: references.map(({ path: _, ...reference }, index) => ({
      ...reference,
      delivered:
        finished.every(({ receipts }) => receipts[index] === "original")
          ? "original" as const
          : "seen" as const,
    })),
    smallest_distance: generation.smallestDistance ?? null,
    usage: describeUsage(usage),
  };
}

/** Writes one image of the answer. */
export function describeImage(
  { image, index, usage, warnings }: FinishedCandidate,
  addresses: Addresses,
) {
  const { sidecar } = image;
  return {
    index,
    id: sidecar.id,
    label: sidecar.label,
    mime_type: sidecar.mime_type,
    model: sidecar.model,
    path: addresses.path(image),
    url: addresses.url(image),
    resolved_size: sidecar.resolved_size,
    revised_prompt: sidecar.revised_prompt,
    native_size: sidecar.native_size,
    resize: sidecar.resize,
    sha256: sidecar.sha256,
    bytes: sidecar.bytes,
    transparent: sidecar.transparent,
    variation: sidecar.variation,
    duration_ms: sidecar.duration_ms,
    warnings,
    usage: describeUsage(usage),
  };
}

function describeUsage({ inputTokens, outputTokens }: Readonly<Usage>) {
  return { input_tokens: inputTokens, output_tokens: outputTokens };
}

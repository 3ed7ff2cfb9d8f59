import * as z from "zod";
import { BACKGROUNDS, FITS, OUTPUT_FORMATS, QUALITIES } from "./fields.ts";
import type { GenerateRequest } from "./generate_request.ts";
import { formatSize } from "./size.ts";

const edge = z.number();

/** The schema of what was asked for, as it is kept beside a picture: enough to ask for the same again. */
export const requestSummarySchema = z.object({
  count: z.int(),
  size: z.string().meta({ description: "What the caller sent" }),
  aspect: z.string().nullable().meta({ examples: ["16:9"] }),
  canvas_size: z.object({ width: edge, height: edge }).nullable(),
  output_size: z.string().nullable().meta({ examples: ["1920x1080"] }),
  fit: z.enum(FITS),
  quality: z.enum(QUALITIES),
  output_format: z.enum(OUTPUT_FORMATS),
  output_compression: z.int().nullable(),
  background: z.enum(BACKGROUNDS),
  references: z.array(z.object({
    label: z.string(),
    sha256: z.string(),
    id: z.string().optional().meta({
      description: "The stored picture that it was",
    }),
  })),
  prompt: z.string().optional().meta({
    description: "The caller's words, where prompts are stored",
  }),
});

/** What was asked for. */
export type RequestSummary = z.infer<typeof requestSummarySchema>;

/** What {@linkcode summarizeRequest} takes from elsewhere. */
export interface SummaryOptions {
  /** The references as they were used. */
  readonly references: readonly RequestSummary["references"][number][];
  /** Whether the prompt is part of it. */
  readonly keepPrompt: boolean;
}

/** Writes what was asked for in the words of the API. */
export function summarizeRequest(
  request: GenerateRequest,
  { keepPrompt, references }: SummaryOptions,
): RequestSummary {
  const { aspect, canvasSize, outputSize } = request;
  return {
    count: request.count,
    size: request.requestedSize,
    aspect: typeof aspect === "object"
      ? `${aspect.width}:${aspect.height}`
      : aspect ?? null,
    canvas_size: canvasSize ?? null,
    output_size: typeof outputSize === "object"
      ? formatSize(outputSize)
      : outputSize ?? null,
    fit: request.fit,
    quality: request.quality,
    output_format: request.outputFormat,
    output_compression: request.outputCompression ?? null,
    background: request.background,
    references: references.map(({ id, label, sha256 }) => ({
      label,
      sha256,
      ...(id !== undefined && { id }),
    })),
    ...(keepPrompt && { prompt: request.prompt }),
  };
}

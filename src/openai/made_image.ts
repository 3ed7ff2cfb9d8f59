import type { OutputFormat, Quality } from "../contract/choices.ts";
import type { JobAnswer } from "../jobs/job_entry.ts";

/** Tokens of the chat model. */
export interface MadeUsage {
  readonly input_tokens: number;
  readonly output_tokens: number;
}

/** The part of an image in the own route's answer that OpenAI's clients are told. */
export interface MadeImage {
  readonly id: string;
  readonly mime_type: `image/${OutputFormat}`;
  readonly path: string;
  readonly resolved_size: string;
  readonly revised_prompt: string | null;
  readonly transparent: boolean;
  readonly url: string;
  readonly usage: MadeUsage;
  readonly warnings: readonly string[];
}

/** The part of the own route's answer that OpenAI's clients are told. */
export interface MadeAnswer extends JobAnswer {
  readonly data: readonly MadeImage[];
  readonly errors: readonly {
    readonly index: number;
    readonly code: string;
    readonly message: string;
  }[];
  readonly quality: Quality;
  readonly usage: MadeUsage;
  readonly warnings: readonly {
    readonly index: number;
    readonly message: string;
  }[];
}

/** Tells of an image in the words of OpenAI, without its bytes. */
export function describeMade(
  { mime_type, resolved_size, transparent }: MadeImage,
  { quality, usage }: {
    readonly quality: Quality;
    readonly usage: MadeUsage;
  },
) {
  const { input_tokens, output_tokens } = usage;
  return {
    background: transparent ? "transparent" as const : "opaque" as const,
    output_format: formatOf(mime_type),
    quality,
    size: resolved_size,
    usage: {
      input_tokens,
      output_tokens,
      total_tokens: input_tokens + output_tokens,
      // The CLI does not tell them apart.
      input_tokens_details: { image_tokens: 0, text_tokens: input_tokens },
    },
  };
}

function formatOf(mimeType: MadeImage["mime_type"]): OutputFormat {
  return mimeType.slice("image/".length) as OutputFormat;
}

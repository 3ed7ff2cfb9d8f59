import { Failure } from "../failure.ts";

/** The codes of 400 answers that a request can cause by what it says. */
export type InvalidRequestCode =
  | "invalid_json"
  | "missing_prompt"
  | "invalid_prompt"
  | "invalid_count"
  | "invalid_size"
  | "invalid_quality"
  | "invalid_output_format"
  | "invalid_aspect"
  | "invalid_reference"
  | "unknown_parameter";

/** Where an {@linkcode InvalidRequest} lies. */
export interface InvalidRequestOptions {
  /** The machine-readable code of the answer. */
  readonly code: InvalidRequestCode;
  /** The field at fault, such as `references[2].image`, or `null` for the whole body. */
  readonly param: string | null;
}

/** The one failure for a request that says something it may not. */
export class InvalidRequest extends Failure {
  override name = "InvalidRequest";

  /** @param message What is wrong; safe to show to the caller. */
  constructor(message: string, { code, param }: InvalidRequestOptions) {
    super(code, message, { param });
  }
}

import { Failure, type FailureCode, type FailureOptions } from "../failure.ts";

/** What an {@linkcode HttpFailure} may say beside its message. */
export interface HttpFailureOptions extends FailureOptions {
  /** The status to answer with instead of the one that the code has. */
  readonly status?: number;
  /** Headers to answer with beside those of every error. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A failure whose answer needs more than its code tells: a status of its own, or further headers. */
export class HttpFailure extends Failure {
  override name = "HttpFailure";
  /** The status to answer with; undefined where the code tells it. */
  readonly status: number | undefined;
  /** Headers to answer with beside those of every error. */
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param code What happened.
   * @param message What to tell the caller.
   */
  constructor(
    code: FailureCode,
    message: string,
    options: HttpFailureOptions = {},
  ) {
    super(code, message, options);
    this.status = options.status;
    this.headers = options.headers ?? {};
  }
}

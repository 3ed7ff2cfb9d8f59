import { join } from "@std/path";
import type { Config } from "../config.ts";
import type { Form } from "../contract/form.ts";
import { REFERENCE_LIMITS } from "../contract/reference_limits.ts";
import type { FileReference } from "../contract/reference_schema.ts";
import { toFailure } from "../failure.ts";
import { readJson } from "../http/body.ts";
import { isMultipart, readMultipart } from "../http/multipart.ts";
import type { Log } from "../log.ts";

/** The most fields of text in a form. */
const MAX_FIELDS = 64;

/** What requests are read with. */
export interface ReadParts {
  readonly config: Pick<
    Config,
    "dataDir" | "maxBodyBytes" | "minUploadBytesPerS" | "uploadGraceMs"
  >;
  readonly log: Log;
}

/** How {@linkcode readRequest} reads. */
export interface ReadRequestOptions<Wanted> {
  /** The form that may come instead of JSON; none may when undefined. */
  readonly form: Form | undefined;
  /** Makes sense of the body, and of the files of a form. */
  readonly parse: (
    body: unknown,
    uploads?: readonly FileReference[],
  ) => Wanted;
  /** The request's id in the log. */
  readonly requestId: string;
  /** Ends the reading. */
  readonly signal: AbortSignal;
  /** Removes in the end what was uploaded and not moved elsewhere. */
  readonly uploaded: AsyncDisposableStack;
}

/**
 * Reads a request for images from JSON or from a form; one that cannot be used is logged.
 *
 * @throws {Failure} It cannot be read, or says something it may not.
 */
export async function readRequest<Wanted>(
  request: Request,
  { config, log }: ReadParts,
  options: ReadRequestOptions<Wanted>,
): Promise<Wanted> {
  const { form, parse, requestId, signal, uploaded } = options;
  const maxBytes = config.maxBodyBytes;
  const pace = {
    bytesPerS: config.minUploadBytesPerS,
    graceMs: config.uploadGraceMs,
  };
  try {
    if (form === undefined || !isMultipart(request)) {
      return parse(await readJson(request, { maxBytes, pace }));
    }
    const sent = await readMultipart(request, {
      shape: form,
      maxBytes,
      pace,
      maxFileBytes: REFERENCE_LIMITS.maxBytes,
      maxFiles: REFERENCE_LIMITS.maxImages,
      maxFields: MAX_FIELDS,
      directory: join(config.dataDir, "work", `upload-${crypto.randomUUID()}`),
      signal,
    });
    const { body, uploads } = form.read(uploaded.use(sent));
    return parse(body, uploads);
  } catch (error) {
    const { code } = toFailure(error);
    const gone = code === "request_canceled";
    const event = gone ? "generate.abort" : "generate.error";
    log(gone ? "info" : "warn", event, { request_id: requestId, code });
    throw error;
  }
}

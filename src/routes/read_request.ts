import { join } from "@std/path";
import type { Form } from "../api/form.ts";
import { type FileReference, REFERENCE_LIMITS } from "../api/references.ts";
import { toApiError } from "../errors.ts";
import { readJson } from "../http/body.ts";
import { isMultipart, readMultipart } from "../http/multipart.ts";
import type { Service } from "./route.ts";

/** The most fields of text in a form. */
const MAX_FIELDS = 64;

/** How {@linkcode readRequest} reads. */
export interface ReadRequestOptions<Wanted> {
  /** The form that may come instead of JSON; none may when undefined. */
  readonly form: Form | undefined;
  /** Makes sense of the body, and of the files of a form. */
  readonly parse: (
    body: unknown,
    uploads?: readonly FileReference[],
  ) => Wanted;
  /** What the log calls the request. */
  readonly requestId: string;
  /** Ends the reading. */
  readonly signal: AbortSignal;
  /** Removes in the end what was uploaded and not moved elsewhere. */
  readonly uploaded: AsyncDisposableStack;
}

/**
 * Reads a request for images from JSON or from a form; one that cannot be used is logged.
 *
 * @throws {ApiError} It cannot be read, or says something it may not.
 */
export async function readRequest<Wanted>(
  request: Request,
  { config, log }: Pick<Service, "config" | "log">,
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
    const { code } = toApiError(error);
    const gone = code === "request_canceled";
    const event = gone ? "generate.abort" : "generate.error";
    log(gone ? "info" : "warn", event, { request_id: requestId, code });
    throw error;
  }
}

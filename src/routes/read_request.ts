import { join } from "@std/path";
import type { Form } from "../api/form.ts";
import {
  JSON_PICTURES,
  REFERENCE_LIMITS,
  type ReferenceSource,
} from "../api/references.ts";
import { ValidationError } from "../api/validation_error.ts";
import { toApiError } from "../errors.ts";
import { readJson } from "../http/json_body.ts";
import { isMultipart, readMultipart } from "../http/multipart.ts";
import type { Service } from "./route.ts";

/** The most fields of text in a form. */
const MAX_FIELDS = 64;
const FIELD = /^[\w.[\]-]{1,60}$/;

/** How {@linkcode readRequest} reads. */
export interface ReadRequestOptions<Wanted> {
  /** The form that may come instead of JSON; none may when undefined. */
  readonly form: Form | undefined;
  /** Makes sense of the body, and of the files of a form. */
  readonly parse: (
    body: unknown,
    uploads?: readonly ReferenceSource[],
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
  { budget, config, log }: Pick<Service, "budget" | "config" | "log">,
  options: ReadRequestOptions<Wanted>,
): Promise<Wanted> {
  const { form, parse, requestId, signal, uploaded } = options;
  const reading = {
    budget,
    directory: join(config.dataDir, "work", `upload-${crypto.randomUUID()}`),
    maxBytes: config.maxBodyBytes,
    maxFileBytes: REFERENCE_LIMITS.maxBytes,
    pace: {
      bytesPerS: config.minUploadBytesPerS,
      graceMs: config.uploadGraceMs,
    },
    signal,
  };
  try {
    if (form === undefined || !isMultipart(request)) {
      // With a mask, and with one too many for the schema to count.
      const maxFiles = REFERENCE_LIMITS.maxImages + 2;
      const files = { ...reading, ...JSON_PICTURES, maxFiles };
      const sent = await readJson(request, { ...reading, files });
      return parse(uploaded.use(sent).value);
    }
    const sent = await readMultipart(request, {
      ...reading,
      shape: form,
      maxFiles: REFERENCE_LIMITS.maxImages,
      maxFields: MAX_FIELDS,
    });
    const { body, uploads } = form.read(uploaded.use(sent));
    return parse(body, uploads);
  } catch (error) {
    const { code, param } = toApiError(error);
    const gone = code === "request_canceled";
    const event = gone ? "generate.abort" : "generate.error";
    log(gone ? "info" : "warn", event, {
      request_id: requestId,
      code,
      // What nobody knows may be any text.
      param: FIELD.test(param ?? "") ? param : undefined,
      value: error instanceof ValidationError ? error.logged : undefined,
    });
    throw error;
  }
}

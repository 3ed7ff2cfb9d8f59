import * as z from "zod";
import { type DataUrlOptions, Upload } from "../http/upload.ts";
import { edgeSchema, optional, strictFields, textSchema } from "./field.ts";
import { ValidationError } from "./validation_error.ts";

/** What the reference images of one request must keep to. */
export const REFERENCE_LIMITS = {
  /** Images in one request. */
  maxImages: 16,
  /** Images that reach the model as the caller's own bytes. */
  maxOriginals: 5,
  /** Bytes of one image. */
  maxBytes: 52_428_800,
  /** Pixels of one image. */
  maxPixels: 100_000_000,
  /** Media types, told by the bytes of an image. */
  formats: ["image/png", "image/jpeg", "image/webp"],
} as const;

const MAX_LABEL = 200;
const MAX_SOURCE = 1000;

const IMAGE = `expected a base64 data URL such as "data:image/png;base64,…"`;
const REMOTE = `${IMAGE}, the server never fetches URLs`;
const FILE =
  "expected a file in the field reference, for a form holds no data URLs";
const ONE =
  `expected either image, a base64 data URL, or id, that of a stored picture`;
const MAX_ID = 100;
const ID =
  `expected the id of a stored picture such as "codex-…", which GET /v1/images tells`;
const LABEL = `expected text of at most ${MAX_LABEL} characters`;
const SOURCE = `expected text of at most ${MAX_SOURCE} characters`;
const LIST = `expected a list of at most ${REFERENCE_LIMITS.maxImages} images`;

/** A reference image of a request: a file of the caller, or a picture that is stored. */
export type ReferenceSource = UploadedReference | StoredReference;

/** A picture that is stored, not yet looked for. */
export interface StoredReference {
  /** The field that it came in, such as `references[2].id`. */
  readonly param: string;
  /** What the caller calls the image. */
  readonly label: string | undefined;
  /** What may be the id of a stored picture. */
  readonly id: string;
}

/** A reference image of a request, on disk. */
export interface UploadedReference {
  /** The field that it came in, such as `references[2].image`. */
  readonly param: string;
  /** What the caller calls the image. */
  readonly label: string | undefined;
  /** Where the caller has the image from. */
  readonly source: string | undefined;
  /** The file, not yet looked at; whoever uses the reference moves it away. */
  readonly path: string;
  /** The size of the file. */
  readonly bytes: number;
  /** The digest of the file, in lower-case hexadecimal. */
  readonly sha256: string;
}

/** Which members of JSON bodies hold pictures, as base64 data URLs that are written to disk while they are read. */
export const JSON_PICTURES: Pick<DataUrlOptions, "names" | "refuse"> = {
  names: ["image", "image_url"],
  refuse: (param, state) =>
    new ValidationError(`Cannot decode ${param}: ${state}`, {
      code: "invalid_reference",
      param,
    }),
};

/** The schema of a picture in JSON: what was a base64 data URL, its data not yet looked at. */
export const imageSchema = z.custom<Upload>(
  (image) => image instanceof Upload,
  { error: ({ input }) => expectImage(input) },
).meta({ type: "string" });

/** Makes a reference of a picture in JSON. */
export function toReference(
  { path, bytes, sha256 }: Upload,
  { label, param, source }: {
    readonly param: string;
    readonly label?: string;
    readonly source?: string;
  },
): UploadedReference {
  return { param, label, source, path, bytes, sha256 };
}

/**
 * The schema of `references`: data URLs or ids of stored pictures, with a label and a source, which become
 * {@linkcode ReferenceSource}s.
 *
 * `width` and `height` are accepted and dropped, because the bytes of an image tell its size.
 */
export const referencesSchema = z.array(
  strictFields({
    image: optional(imageSchema),
    id: optional(z.string(ID).max(MAX_ID, ID)),
    label: optional(textSchema(MAX_LABEL, LABEL)),
    source: optional(textSchema(MAX_SOURCE, SOURCE)),
    width: optional(edgeSchema),
    height: optional(edgeSchema),
  }, "expected an object with image or id"),
  LIST,
).max(REFERENCE_LIMITS.maxImages, LIST).transform((references, context) =>
  references.map(({ id, image, label, source }, index): ReferenceSource => {
    const param = `references[${index}]`;
    if (image === undefined && id !== undefined) {
      return { param: `${param}.id`, label, id };
    }
    if (image !== undefined && id === undefined) {
      return toReference(image, { label, source, param: `${param}.image` });
    }
    const member = image === undefined ? "image" : "id";
    context.addIssue({
      code: "custom",
      path: [index, member],
      message: ONE,
    });
    return z.NEVER;
  })
);

function expectImage(image: unknown): string {
  if (typeof image !== "string") return IMAGE;
  if (/^data:[^,]*;base64,/i.test(image)) return FILE;
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(image) ? REMOTE : IMAGE;
}

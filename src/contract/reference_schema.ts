import * as z from "zod";
import { dataStart } from "./data_url.ts";
import { edgeSchema } from "./edge_schema.ts";
import { optional } from "./optional.ts";
import { REFERENCE_LIMITS } from "./reference_limits.ts";
import { strictFields } from "./strict_fields.ts";
import { textSchema } from "./text_schema.ts";

const MAX_LABEL = 200;
const MAX_SOURCE = 1000;

const IMAGE = `expected a base64 data URL such as "data:image/png;base64,…"`;
const REMOTE = `${IMAGE}, the server never fetches URLs`;
const LABEL = `expected text of at most ${MAX_LABEL} characters`;
const SOURCE = `expected text of at most ${MAX_SOURCE} characters`;
const LIST = `expected a list of at most ${REFERENCE_LIMITS.maxImages} images`;

/** What is known of a reference image, whichever way it came. */
interface SourceBase {
  /** The field that it came in, such as `references[2].image`. */
  readonly param: string;
  /** What the caller calls the image. */
  readonly label: string | undefined;
  /** Where the caller has the image from. */
  readonly source: string | undefined;
}

/** A reference image as it came in a JSON body. */
export interface InlineReference extends SourceBase {
  readonly kind: "inline";
  /** A base64 data URL, its data not yet looked at. */
  readonly dataUrl: string;
}

/** A reference image that was uploaded and lies on disk. */
export interface FileReference extends SourceBase {
  readonly kind: "file";
  /** The file, not yet looked at; whoever uses the reference moves it away. */
  readonly path: string;
  /** The size of the file. */
  readonly bytes: number;
  /** The digest of the file, in lower-case hexadecimal. */
  readonly sha256: string;
}

/** A reference image of a request. */
export type ReferenceSource = InlineReference | FileReference;

/** The schema of a picture in JSON: a base64 data URL, its data not yet looked at. */
export const imageSchema = z.string(IMAGE).refine(
  (image) => dataStart(image) !== undefined,
  { error: (issue) => isRemote(issue.input) ? REMOTE : IMAGE },
);

/**
 * The schema of `references`: data URLs with a label and a source, which become {@linkcode InlineReference}s.
 *
 * `width` and `height` are accepted and dropped, because the bytes of an image tell its size.
 */
export const referencesSchema = z.array(
  strictFields({
    image: imageSchema,
    label: optional(textSchema(MAX_LABEL, LABEL)),
    source: optional(textSchema(MAX_SOURCE, SOURCE)),
    width: optional(edgeSchema),
    height: optional(edgeSchema),
  }, "expected an object with image"),
  LIST,
).max(REFERENCE_LIMITS.maxImages, LIST).transform((references) =>
  references.map(({ image, label, source }, index): InlineReference => ({
    kind: "inline",
    dataUrl: image,
    label,
    source,
    param: `references[${index}].image`,
  }))
);

function isRemote(image: unknown): boolean {
  return typeof image === "string" && /^[a-z][a-z0-9+.-]*:\/\//i.test(image);
}

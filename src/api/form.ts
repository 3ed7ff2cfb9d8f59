import { closestString } from "@std/text/closest-string";
import type { FieldKind, FieldTable } from "./field.ts";
import { FIELDS } from "./fields.ts";
import type { UploadedReference } from "./references.ts";
import {
  codeOf,
  quoteValue,
  ValidationError,
  type ValidationErrorCode,
} from "./validation_error.ts";

const PLAIN_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/** What text in a form may stand for. */
export type TextKind = Exclude<FieldKind, "file" | "files" | "files[]">;

/**
 * Reads text of a form as what it stands for in JSON.
 *
 * Text that does not stand for it stays text, so that the schema refuses it in its own words.
 *
 * @example
 * ```ts
 * import { readFormText } from "./form.ts";
 *
 * readFormText("2", "number"); // 2
 * readFormText("two", "number"); // "two"
 * ```
 */
export function readFormText(text: string, kind: TextKind): unknown {
  switch (kind) {
    case "text":
      return text;
    case "number":
      return PLAIN_NUMBER.test(text) ? Number(text) : text;
    case "boolean":
      // Python writes them with a capital.
      return /^true$/i.test(text) || (/^false$/i.test(text) ? false : text);
    case "object":
      return parseJson(text);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return text;
  }
}

const MEMBER = /^([^[\]]+)\[([^[\]]+)\]$/;
/** The longest name of an unknown field that is compared and reported, in UTF-16 code units. */
const MAX_NAME = 60;
const MAX_LABEL = 200;
/** The name that clients give to a file that has none. */
const NO_NAME = "blob";

/** A form as it came, its files on disk. */
export interface FormInput {
  /** The fields of text. */
  readonly fields: readonly {
    readonly name: string;
    readonly value: string;
  }[];
  /** The files. */
  readonly files:
    readonly (Pick<UploadedReference, "path" | "bytes" | "sha256"> & {
      readonly field: string;
      /** What the caller calls the file. */
      readonly fileName: string | undefined;
    })[];
}

/** The fields that a form may have, and the way from a form to the values that the schema of a JSON body takes. */
export class Form {
  readonly #fields: FieldTable;
  readonly #kinds: ReadonlyMap<string, FieldKind>;

  /** @param fields The fields, of which those that no form has are left out. */
  constructor(fields: FieldTable) {
    this.#fields = fields;
    this.#kinds = new Map(
      Object.entries(fields).flatMap(([name, { form }]) => {
        if (form === undefined) return [];
        const brackets = form === "files[]" ? [`${name}[]`] : [];
        return [name, ...brackets].map((name) => [name, form] as const);
      }),
    );
  }

  /** Tells whether a field holds files. */
  isFile(field: string): boolean {
    return isFileKind(this.#kindOf(field));
  }

  /** Tells whether a field holds one file. */
  isSingle(field: string): boolean {
    return this.#kindOf(field) === "file";
  }

  /**
   * Makes the failure for a field at fault.
   *
   * @param state What is wrong with it, as the end of a sentence; that there is no such field comes first.
   */
  refuse(field: string, state: string): ValidationError {
    const code = this.#codeOf(field);
    const param = field.slice(0, MAX_NAME);
    const nearest = closestString(param, [...this.#kinds.keys()]);
    const message = this.#has(field)
      ? `Cannot use ${field}: ${state}`
      : `Cannot use ${
        quoteValue(field)
      }: there is no such field in a form, the nearest is "${nearest}"`;
    return new ValidationError(message, { code, param });
  }

  /**
   * Reads a form; an empty field counts as one that is not there.
   *
   * @returns The values for the schema, and the files as references, labelled with their names.
   * @throws {ValidationError} A field is unknown, or comes more than once.
   */
  read({ fields, files }: FormInput): {
    readonly body: Readonly<Record<string, unknown>>;
    readonly uploads: readonly UploadedReference[];
  } {
    return { body: this.#readBody(fields), uploads: this.#readFiles(files) };
  }

  #readBody(fields: FormInput["fields"]): Record<string, unknown> {
    const values = new Map<string, unknown>();
    const members = new Map<string, [name: string, value: unknown][]>();
    for (const [name, text] of this.#once(fields)) {
      const kind = this.#kinds.get(name);
      const [, object, member] = MEMBER.exec(name) ?? [];
      if (kind === undefined) {
        const entry: [string, unknown] = [member, readFormText(text, "number")];
        members.set(object, [...members.get(object) ?? [], entry]);
      } else if (!isFileKind(kind)) {
        values.set(name, readFormText(text, kind));
      }
    }
    for (const [object, entries] of members) {
      if (values.has(object)) {
        throw this.refuse(object, "it comes as a whole and in parts");
      }
      values.set(object, Object.fromEntries(entries));
    }
    return Object.fromEntries(values);
  }

  #once(fields: FormInput["fields"]): ReadonlyMap<string, string> {
    const texts = new Map<string, string>();
    for (const { name, value } of fields) {
      if (!this.#has(name)) throw this.refuse(name, "");
      if (value === "") continue;
      if (texts.has(name)) {
        throw this.refuse(name, "it comes more than once, expected one value");
      }
      texts.set(name, value);
    }
    return texts;
  }

  #readFiles(files: FormInput["files"]): UploadedReference[] {
    const counts = new Map<string, number>();
    return files.map(({ field, fileName, path, bytes, sha256 }) => {
      const name = field.replace(/\[\d*\]$/, "");
      const index = counts.get(name) ?? 0;
      counts.set(name, index + 1);
      const single = this.isSingle(field);
      if (single && index > 0) {
        throw this.refuse(field, "it comes more than once, expected one file");
      }
      return {
        param: single ? name : `${name}[${index}]`,
        label: labelOf(fileName),
        source: undefined,
        path,
        bytes,
        sha256,
      };
    });
  }

  #codeOf(field: string): ValidationErrorCode {
    if (!this.#has(field)) return "unknown_parameter";
    if (this.isFile(field)) return "invalid_reference";
    return codeOf(objectOf(field) ?? field, this.#fields);
  }

  // Some clients count the files of a list.
  #kindOf(field: string): FieldKind | undefined {
    return this.#kinds.get(field) ??
      this.#kinds.get(field.replace(/\[\d{1,3}\]$/, "[]"));
  }

  #has(field: string): boolean {
    return this.#kindOf(field) !== undefined ||
      this.#kinds.get(objectOf(field) ?? "") === "object";
  }
}

function isFileKind(
  kind: FieldKind | undefined,
): kind is "file" | "files" | "files[]" {
  return kind === "file" || kind === "files" || kind === "files[]";
}

/** Names the object that a field such as `canvas_size[width]` is a member of. */
function objectOf(field: string): string | undefined {
  return MEMBER.exec(field)?.[1];
}

/** Takes the last part of what may be a path, without characters that cannot be shown. */
function labelOf(fileName: string | undefined): string | undefined {
  // Browsers write quotation marks in file names as "%22".
  const name = fileName?.split(/[\\/]/).at(-1)?.replaceAll("%22", '"')
    .replaceAll(/\p{Cc}/gu, "");
  if (name === undefined || name === "" || name === NO_NAME) return;
  return Array.from(name).slice(0, MAX_LABEL).join("");
}

/** The form of `POST /v1/images/generate`: the fields of its JSON body, and a file for each reference. */
export const GENERATE_FORM: Form = new Form(FIELDS);

import type { SchemaName } from "./components.ts";

/** A part of a request beside its body. */
export interface Parameter {
  readonly in: "header" | "path" | "query";
  readonly name: string;
  readonly description: string;
  /** The values that it may have; any text when left out. */
  readonly values?: readonly string[];
}

/** What an operation may answer with one status. */
export interface Answer {
  readonly description: string;
  /** By media type, what it holds: one of several things, or nothing that has a schema. */
  readonly content?: Readonly<Record<string, readonly SchemaName[]>>;
}

/** One method of one path. */
export interface Operation {
  readonly method: "delete" | "get" | "post";
  /** The path, its parameters in braces. */
  readonly path: string;
  /** Its name in generated clients. */
  readonly id: string;
  /** The part of the API that it belongs to. */
  readonly tag: string;
  /** What it does, in a line. */
  readonly summary: string;
  /** What else there is to know, in Markdown. */
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  /** By media type, what is sent. */
  readonly body?: Readonly<Record<string, SchemaName>>;
  /** By status; those of errors are the same for all. */
  readonly answers: Readonly<Record<number, Answer>>;
}

/** Makes the answer that holds JSON. */
export function json(name: SchemaName, description: string): Answer {
  return { description, content: { "application/json": [name] } };
}

const PLAIN_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/** What text in a form may stand for. */
export type TextKind = "text" | "number" | "boolean" | "object";

/**
 * Reads text of a form as what it stands for in JSON.
 *
 * Text that does not stand for it stays text, so that the schema refuses it in its own words.
 *
 * @example
 * ```ts
 * import { readFormText } from "./form_text.ts";
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
      return text === "true" || (text === "false" ? false : text);
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

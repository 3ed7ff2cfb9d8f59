const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that is HTML already. */
export class Html {
  /** @param text The markup. */
  constructor(readonly text: string) {}
}

/** What may stand in {@linkcode markup}: text, which is escaped, and HTML, which is not. */
export type HtmlValue = string | number | Html | readonly Html[];

/** Writes HTML, with every value escaped that is not HTML already. */
export function markup(
  strings: TemplateStringsArray,
  ...values: readonly HtmlValue[]
): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(write)));
}

/** Writes text in which backquotes stand around code. */
export function prose(text: string): Html {
  return new Html(
    escape(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>"),
  );
}

function write(value: HtmlValue): string {
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(({ text }) => text).join("");
  return escape(String(value));
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character]);
}

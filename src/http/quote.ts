const MAX_LENGTH = 100;

/** Quotes text of the caller for a message: cut after 100 UTF-16 code units, control characters escaped. */
export function quote(text: string): string {
  const isLong = text.length > MAX_LENGTH;
  return JSON.stringify(isLong ? `${text.slice(0, MAX_LENGTH)}…` : text);
}

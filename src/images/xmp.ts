/** The most bytes of a packet: libvips writes none that is larger into a JPEG, and says nothing. */
const MAX_BYTES = 60_000;
/** What no XML may hold, escaped or not. */
// deno-lint-ignore no-control-regex
const NOT_XML = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\r": "&#13;",
};
/** What the IPTC calls a picture that a trained model made. */
const SOURCE_TYPE =
  "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/** How a picture was made. */
export interface Making {
  /** The words of the caller. */
  readonly prompt: string;
  /** What else was asked for; it is written as JSON. */
  readonly settings: unknown;
  /** The image model. */
  readonly model: string;
  /** The program that had it drawn, with its version. */
  readonly tool: string;
}

/** Metadata to write into a file. */
export interface Xmp {
  /** The whole packet. */
  readonly packet: string;
  /** Whether it holds the beginning of the prompt only. */
  readonly isCut: boolean;
}

/**
 * Writes how a picture was made as XMP, of which every program shows something: the prompt is the description, and that a
 * model made the picture is told in the terms of the IPTC Photo Metadata Standard 2025.1.
 */
export function writeXmp({ model, prompt, settings, tool }: Making): Xmp {
  const wrap = (description: string) =>
    `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:cis="urn:codex-image-server:">
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">${description}</rdf:li></rdf:Alt></dc:description>
<xmp:CreatorTool>${escapeXml(tool)}</xmp:CreatorTool>
<Iptc4xmpExt:DigitalSourceType>${SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>
<Iptc4xmpExt:AISystemUsed>${escapeXml(model)}</Iptc4xmpExt:AISystemUsed>
<cis:request>${escapeXml(JSON.stringify(settings))}</cis:request>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>`;
  const whole = wrap(escapeXml(prompt));
  const isCut = bytesOf(whole) > MAX_BYTES;
  const packet = isCut
    ? wrap(escapeStart(prompt, MAX_BYTES - bytesOf(wrap("…"))))
    : whole;
  return { packet, isCut };
}

function escapeXml(text: string): string {
  return text.replaceAll(NOT_XML, "\ufffd")
    .replaceAll(/[&<>\r]/g, (character) => ESCAPES[character]);
}

/** Escapes as much of a text as fits, whole characters only. */
function escapeStart(text: string, maxBytes: number): string {
  let left = maxBytes;
  let start = "";
  for (const character of text) {
    const escaped = escapeXml(character);
    left -= bytesOf(escaped);
    if (left < 0) break;
    start += escaped;
  }
  return `${start}…`;
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

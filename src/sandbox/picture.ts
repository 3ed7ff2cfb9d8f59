import { crc32 } from "node:zlib";
import sharp from "sharp";

const MANIFEST =
  "Stand-in provenance manifest of the codex-image-server sandbox";
/** Bytes of a PNG's signature and its first chunk, the header. */
const HEADER_END = 33;
const RIDGES = 6;
const PEAKED_RIDGES = 3;
const FIRS = 14;

/** Strokes on a field of 1 by 2, so that no font of the machine is needed. */
const STROKES: Readonly<Record<string, string>> = {
  0: "h1v2h-1z",
  1: "m1 0v2",
  2: "h1v1h-1v1h1",
  3: "h1v2h-1m0-1h1",
  4: "v1h1m0-1v2",
  5: "m1 0h-1v1h1v1h-1",
  6: "m1 0h-1v2h1v-1h-1",
  7: "h1v2",
  8: "h1v2h-1zm0 1h1",
  9: "m1 1h-1v-1h1v2h-1",
};

/** A picture that stands in for one of the image model. */
export interface Picture {
  readonly prompt: string;
  /** Short name of the variation direction; may be empty. */
  readonly variation: string;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** How many reference images arrived; each is a bird in the sky. */
  readonly references: number;
  /** Leave out the sky and keep an alpha channel; otherwise there is none. */
  readonly transparent: boolean;
  /** A whole number that tells pictures of one prompt apart in shapes, colours and by itself. */
  readonly serial: number;
  /** Pad the file with incompressible data to at least so many bytes. */
  readonly bytes?: number;
}

/**
 * Draws a landscape from the hash of the request, with its serial number in the corner, as a PNG file: the same bytes
 * every time.
 */
export async function drawPicture(
  picture: Picture,
): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes = 0, prompt, serial, transparent, variation } = picture;
  const [mood] = await hash([prompt]);
  const [seed] = await hash([prompt, variation, serial]);
  const noise = xorshift(seed);
  const svg = landscape(picture, {
    // Neighbours are as far apart on the colour wheel as they can be.
    hue: (mood % 360 + serial * 137.5) % 360,
    random: () => noise() / 2 ** 32,
  });
  // Where foreign pictures are read, sharp may be forbidden to read drawings.
  sharp.unblock({ operation: ["VipsForeignLoadSvgBuffer"] });
  const image = sharp(new TextEncoder().encode(svg));
  const png = await (transparent ? image : image.removeAlpha())
    .png({ compressionLevel: 3 }).toBuffer();
  const parts = [
    png.subarray(0, HEADER_END),
    chunk("caBX", new TextEncoder().encode(MANIFEST)),
    png.subarray(HEADER_END),
  ];
  const missing = bytes - parts.reduce((sum, part) => sum + part.length, 0);
  if (missing > 0) {
    const words = new Uint32Array(Math.ceil(missing / 4)).map(noise);
    parts.splice(2, 0, chunk("paDd", new Uint8Array(words.buffer)));
  }
  return await new Blob(parts).bytes();
}

interface SceneOptions {
  /** The angle of the main colour on the colour wheel, in degrees. */
  readonly hue: number;
  /** Numbers from 0 to 1 that shape the scene. */
  readonly random: () => number;
}

/** Hills before a sun, as SVG. */
function landscape(picture: Picture, { hue, random }: SceneOptions): string {
  const { height, references, serial, transparent, width } = picture;
  const unit = Math.sqrt(width * height);
  const horizon = height * (0.5 + 0.1 * random());
  const radius = Math.min(height / 4, unit * (0.07 + 0.07 * random()));
  const sun = { x: width * (0.15 + 0.7 * random()), y: horizon - radius * 1.6 };
  const [sky, haze, light, ink] = [
    `hsl(${hue}, 45%, 40%)`,
    `hsl(${hue + 50}, 70%, 82%)`,
    `hsl(${hue + 70}, 100%, 92%)`,
    `hsl(${hue + 200}, 40%, 14%)`,
  ];
  const ridges = Array.from({ length: RIDGES }, (_, index) => {
    const near = index / (RIDGES - 1);
    const wave = ridgeLine(random, index < PEAKED_RIDGES);
    const top = (x: number) =>
      horizon + (height * 0.94 - horizon) * near -
      Math.min(unit, height) * (0.24 - 0.16 * near) * wave(x / unit);
    const line = Array.from({ length: 129 }, (_, at) => {
      const x = width * at / 128;
      return `L${x.toFixed(1)} ${top(x).toFixed(1)}`;
    });
    const firs = Array.from({ length: near < 0.7 ? 0 : FIRS }, () => {
      const x = width * random();
      const size = unit * 0.06 * near ** 3 * (0.6 + random());
      return `M${x} ${top(x) - size}l${size / 4} ${size * 1.2}h${-size / 2}z`;
    });
    const colour = `hsl(${hue + 200 * near}, 40%, ${62 - 48 * near}%)`;
    const path = [`M0 ${height}`, ...line, `L${width} ${height}z`, ...firs];
    return `<path fill="${colour}" d="${path.join("")}"/>`;
  }).join("\n");
  const birds = Array.from({ length: references }, () => {
    const wing = unit * (0.03 + 0.01 * random());
    const x = width * (0.1 + 0.8 * random());
    const y = horizon * (0.15 + 0.5 * random());
    const beat = `q${wing / 2} ${-wing} ${wing} 0`;
    return `M${x - wing} ${y}${beat}${beat}`;
  }).join("");
  const text = `${serial}`;
  const digits = Array.from(
    text,
    (digit, at) => `M${at * 1.7} 0${STROKES[digit]}`,
  ).join("");
  const size = unit / 40;
  const left = width - size * (1 + 1.7 * text.length);
  const corner = `translate(${left} ${height - 3 * size}) scale(${size})`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
<linearGradient id="sky" x2="0" y2="1"><stop stop-color="${sky}"/><stop offset="0.6" stop-color="${haze}"/></linearGradient>
${transparent ? "" : `<rect width="100%" height="100%" fill="url(#sky)"/>`}
<circle cx="${sun.x}" cy="${sun.y}" r="${radius}" fill="${light}"/>
<path fill="none" stroke="${ink}" stroke-width="${unit / 120}" d="${birds}"/>
${ridges}
<path fill="none" stroke="${light}" stroke-width="0.3" transform="${corner}" d="${digits}"/>
</svg>`;
}

/** Heights from 0 to about 1: three waves, whose crests are sharp where they are peaked. */
function ridgeLine(
  random: () => number,
  peaked: boolean,
): (x: number) => number {
  const waves = [3, 7, 17].map((frequency) => ({
    frequency: frequency * (0.7 + 0.6 * random()),
    phase: 7 * random(),
    strength: 2 / frequency * (0.6 + 0.8 * random()),
  }));
  return (x) =>
    waves.reduce((sum, { frequency, phase, strength }) => {
      const wave = Math.sin(frequency * x + phase);
      return sum + strength * (peaked ? 1 - Math.abs(wave) : (1 + wave) / 2);
    }, 0);
}

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  new TextEncoder().encodeInto(type, bytes.subarray(4));
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

async function hash(
  values: readonly (string | number)[],
): Promise<Uint32Array> {
  const text = new TextEncoder().encode(JSON.stringify(values));
  return new Uint32Array(await crypto.subtle.digest("SHA-256", text));
}

/** Marsaglia's 32-bit xorshift: whole numbers from 1 to 2 ** 32 - 1. */
function xorshift(seed: number): () => number {
  // It would stay at 0 for ever.
  let state = seed || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

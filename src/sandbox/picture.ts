import { GLYPH_HEIGHT, glyphsOf, textWidth, wrapText } from "./font.ts";
import { Canvas, type Colour } from "./picture_canvas.ts";
import { paintScene, type Palette } from "./picture_scene.ts";

const MANIFEST =
  "Stand-in provenance manifest of the codex-image-server sandbox";
const INK: Colour = [250, 245, 235];
const LINE_HEIGHT = GLYPH_HEIGHT + 3;
const MARGIN = 6;
const NARROWEST = 40;
const PROMPT_LINES = 3;
const FACT_LINES = 2;

// Sky, haze, sun, far hills, near hills.
const PALETTES = [
  [0x2b3a67, 0xf6a57a, 0xffe3b0, 0xb5607a, 0x1f1a38],
  [0x8ec5d6, 0xfdebd0, 0xfff6e0, 0x9fb8ad, 0x1f3d3a],
  [0x0b1533, 0x3c5a8c, 0xf4f1de, 0x34507f, 0x070d1f],
  [0xf4b6a6, 0xfde8d8, 0xe4572e, 0xd98c7a, 0x4a1f2b],
  [0xcfe3d4, 0xf7f4e3, 0xf2a541, 0x8fb39a, 0x17362c],
  [0x6a5a9e, 0xf3c6d3, 0xfff0d9, 0x9a7fb5, 0x261c40],
  [0x5fa8b8, 0xfbe3c0, 0xfff8e1, 0xe0a06a, 0x5a2618],
  [0x0f4c5c, 0x9fd8cb, 0xfff3c4, 0x4a9b9b, 0x062a33],
  [0x3d2c5e, 0xff9a8b, 0xffd3a5, 0xc05c7e, 0x231335],
  [0xe9c46a, 0xfff1d0, 0xe76f51, 0xd9a05b, 0x3b2416],
  [0x9db8d9, 0xf1f6fb, 0xffffff, 0xa9c0da, 0x22344f],
  [0x10233f, 0x5fb49c, 0xe9f5c9, 0x3f7f86, 0x081a26],
].map(paletteOf);

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
  /** A whole number that tells pictures of one prompt apart in shapes, colours and caption. */
  readonly serial: number;
  /** Pad the file with incompressible data to at least so many bytes. */
  readonly bytes?: number;
}

interface Line {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly scale: number;
  readonly colour: Colour;
}

/** From here on a picture is painted at half its size: the server must not stand still for it. */
const ZOOMED_PIXELS = 500_000;

/**
 * Draws a landscape from the hash of the request, with the request as its
 * caption where there is room, as a PNG file: the same bytes every time.
 */
export async function drawPicture(
  picture: Picture,
): Promise<Uint8Array<ArrayBuffer>> {
  const { prompt, variation, width, height, serial, transparent } = picture;
  const [mood] = await hash([prompt]);
  const [seed] = await hash([prompt, variation, serial]);
  const noise = xorshift(seed);
  const palette = PALETTES[(mood + serial) % PALETTES.length];
  const zoom = width * height >= ZOOMED_PIXELS ? 2 : 1;
  const canvas = new Canvas(Math.ceil(width / zoom), Math.ceil(height / zoom));
  const caption = layOutCaption(picture, canvas, palette.sun);
  paintScene(canvas, {
    palette,
    random: () => noise() / 2 ** 32,
    ground: (caption[0]?.y ?? canvas.height) - canvas.height / 40,
    birds: picture.references,
    transparent,
  });
  for (const line of caption) write(canvas, line);
  return await canvas.toPng({
    width,
    height,
    zoom,
    alpha: transparent,
    manifest: MANIFEST,
    bytes: picture.bytes,
    noise,
  });
}

/** The lines of the caption from the top, none where they would not fit. */
function layOutCaption(
  picture: Picture,
  { width, height }: Canvas,
  accent: Colour,
): Line[] {
  const { prompt, variation, references, serial } = picture;
  const scale = Math.max(1, Math.round(Math.sqrt(width * height) / 300));
  const number = `#${serial}`;
  const right = Math.floor(width / scale) - MARGIN - 2 * textWidth(number);
  const room = right - 2 * MARGIN;
  const most = Math.floor((height / scale / 2 - 2 * MARGIN) / LINE_HEIGHT);
  if (room < NARROWEST || most <= FACT_LINES) return [];

  const facts = [
    `SANDBOX ${picture.width}x${picture.height}`,
    variation,
    references > 0 ? `references: ${references}` : "",
  ].filter(Boolean).join(", ");
  const texts = [
    ...wrapText(prompt, {
      width: room,
      lines: Math.min(PROMPT_LINES, most - FACT_LINES),
    }).map((text) => ({ text, colour: INK })),
    ...wrapText(facts, { width: room, lines: FACT_LINES })
      .map((text) => ({ text, colour: accent })),
  ];
  const x = MARGIN * scale;
  const top = height - x - texts.length * LINE_HEIGHT * scale;
  return [
    {
      text: number,
      x: right * scale,
      y: top,
      scale: 2 * scale,
      colour: accent,
    },
    ...texts.map((line, index) => ({
      ...line,
      x,
      y: top + index * LINE_HEIGHT * scale,
      scale,
    })),
  ];
}

function write(canvas: Canvas, { text, x, y, scale, colour }: Line): void {
  let left = x;
  for (const glyph of glyphsOf(text)) {
    for (let row = 0; row < GLYPH_HEIGHT; row++) {
      for (let column = 0; column < glyph.width; column++) {
        if ((glyph.rows[row] >> column & 1) === 0) continue;
        const box = {
          left: left + column * scale,
          top: y + row * scale,
          right: left + (column + 1) * scale,
          bottom: y + (row + 1) * scale,
        };
        canvas.stamp(box, colour, () => 1);
      }
    }
    left += (glyph.width + 1) * scale;
  }
}

function paletteOf([sky, haze, sun, far, near]: number[]): Palette {
  return {
    sky: colourOf(sky),
    haze: colourOf(haze),
    sun: colourOf(sun),
    far: colourOf(far),
    near: colourOf(near),
  };
}

function colourOf(value: number): Colour {
  return [value >> 16, value >> 8 & 255, value & 255];
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

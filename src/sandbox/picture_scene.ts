import type { Canvas, Colour } from "./picture_canvas.ts";

const RIDGES = 6;
const PEAKED_RIDGES = 3;
const WOODED_RIDGES = 2;

/** The colours of a landscape. */
export interface Palette {
  readonly sky: Colour;
  readonly haze: Colour;
  readonly sun: Colour;
  readonly far: Colour;
  readonly near: Colour;
}

/** What {@linkcode paintScene} paints. */
export interface SceneOptions {
  readonly palette: Palette;
  /** Numbers from 0 to 1 that shape the scene. */
  readonly random: () => number;
  /** The row below which there is nothing but the nearest hill. */
  readonly ground: number;
  readonly birds: number;
  /** Leave the sky transparent. */
  readonly transparent: boolean;
}

interface Disc {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

interface Ridge {
  /** The row of the crest in each column. */
  readonly tops: Float32Array;
  /** From 0, the farthest, to 1, the nearest. */
  readonly near: number;
  readonly colour: Colour;
}

/** Paints a row of hills before a sun. */
export function paintScene(canvas: Canvas, options: SceneOptions): void {
  const { palette, random, ground, birds, transparent } = options;
  const { width, height } = canvas;
  const unit = Math.sqrt(width * height);
  const horizon = ground * (0.62 + 0.1 * random());
  const ridges = Array.from({ length: RIDGES }, (_, index): Ridge => {
    const near = index / (RIDGES - 1);
    const tops = crest(random, {
      width,
      base: horizon + (ground - horizon) * near,
      height: Math.min(unit, ground) * (0.24 - 0.16 * near),
      wavelength: unit * (0.34 - 0.1 * near + 0.2 * random()),
      octaves: index < PEAKED_RIDGES ? 5 : 1,
    });
    return { tops, near, colour: mix(palette.far, palette.near, near ** 1.3) };
  });

  const skyline = (x: number) =>
    Math.min(...ridges.map(({ tops }) => tops[Math.floor(x)]));

  const x = width * (0.18 + 0.64 * random());
  const radius = unit * (0.06 + 0.05 * random());
  const sun = { x, y: skyline(x) - radius * (0.65 * random() - 0.05), radius };
  if (!transparent) paintSky(canvas, { palette, horizon, sun });
  paintDisc(canvas, sun, palette.sun);
  const flock = x < width / 2 ? 0.55 : 0.15;
  for (let index = 0; index < birds; index++) {
    const x = width * (flock + 0.3 * random());
    const y = skyline(x) * (0.25 + 0.55 * random());
    const bird = { x, y, radius: unit * (0.012 + 0.01 * random()) };
    paintBird(canvas, bird, palette.near);
  }

  for (const [index, ridge] of ridges.entries()) {
    if (index >= RIDGES - WOODED_RIDGES) {
      plantTrees(canvas, ridge, {
        random,
        size: unit * 0.05 * ridge.near ** 2,
      });
    }
    // The next ridge hides the rest.
    const bottom = ridges[index + 1]?.tops.reduce((a, b) => Math.max(a, b));
    paintRidge(canvas, ridge, { haze: palette.haze, bottom: bottom ?? height });
  }
}

function paintSky(
  { width, height, data }: Canvas,
  { palette: { sky, haze, sun: colour }, horizon, sun }: {
    readonly palette: Palette;
    readonly horizon: number;
    readonly sun: Disc;
  },
): void {
  const reach = (sun.radius * 7) ** 2;
  const light = colour.map((value) => 0.6 * (value / 255) ** 2);
  for (let y = 0, at = 0; y < height; y++) {
    const [red, green, blue] = mix(sky, haze, smooth(y / horizon));
    for (let x = 0; x < width; x++, at += 4) {
      const near = 1 - ((x - sun.x) ** 2 + (y - sun.y) ** 2) / reach;
      const glow = near > 0 ? near ** 4 : 0;
      data[at] = red + (255 - red) * light[0] * glow;
      data[at + 1] = green + (255 - green) * light[1] * glow;
      data[at + 2] = blue + (255 - blue) * light[2] * glow;
      data[at + 3] = 255;
    }
  }
}

function paintDisc(canvas: Canvas, disc: Disc, colour: Colour): void {
  const { x, y, radius } = disc;
  canvas.stamp(
    around(disc),
    colour,
    (column, row) => radius + 0.5 - Math.hypot(column - x, row - y),
  );
}

/** Two arcs, as children draw birds. */
function paintBird(canvas: Canvas, disc: Disc, colour: Colour): void {
  const { x, y, radius } = disc;
  canvas.stamp(around(disc), colour, (column, row) => {
    const out = Math.min(1, Math.abs(column - x) / radius);
    const wing = y - radius * 0.9 * Math.sqrt(out) * (1 - out);
    return 0.5 + radius * 0.13 * (1.1 - out) - Math.abs(row - wing);
  });
}

/** Groves of firs, each of four tiers, with their feet behind the ridge. */
function plantTrees(
  canvas: Canvas,
  { tops, colour }: Ridge,
  { random, size }: { readonly random: () => number; readonly size: number },
): void {
  const count = Math.round(tops.length / size * 0.7);
  let grove = 0;
  for (let tree = 0; tree < count; tree++) {
    if (tree % 7 === 0) grove = tops.length * random();
    const x = grove + size * 5 * (random() - random());
    const height = size * (0.7 + 0.8 * random());
    const half = height * 0.24;
    const crest = tops.at(Math.max(0, Math.min(x, tops.length - 1)))!;
    const top = crest + half - height;
    const box = {
      left: x - half,
      right: x + half + 1,
      top,
      bottom: top + height,
    };
    canvas.stamp(box, colour, (column, row) => {
      const down = Math.max(0, row - top) / height;
      const tier = down * 3.5 % 1;
      const reach = half * (0.6 * down + 0.4 * tier * Math.sqrt(down));
      return reach + 0.5 - Math.abs(column - x);
    });
  }
}

/** A ridge that fades into the haze at its foot. */
function paintRidge(
  canvas: Canvas,
  { tops, near, colour }: Ridge,
  { haze, bottom }: { readonly haze: Colour; readonly bottom: number },
): void {
  const { width, data } = canvas;
  const first = Math.max(0, Math.floor(tops.reduce((a, b) => Math.min(a, b))));
  const foot = mix(colour, haze, 0.55 * (1 - near));
  for (let y = first; y < bottom; y++) {
    const shade = mix(colour, foot, smooth((y - first) / (bottom - first)));
    for (let x = 0, at = y * width * 4; x < width; x++, at += 4) {
      const cover = y + 1 - tops[x];
      if (cover < 1) {
        canvas.blend(at, shade, cover);
        continue;
      }
      data[at] = shade[0];
      data[at + 1] = shade[1];
      data[at + 2] = shade[2];
      data[at + 3] = 255;
    }
  }
}

/** Value noise, of which several octaves make peaks and one makes a soft hill. */
function crest(
  random: () => number,
  { width, base, height, wavelength, octaves }: {
    readonly width: number;
    readonly base: number;
    readonly height: number;
    readonly wavelength: number;
    readonly octaves: number;
  },
): Float32Array {
  const tops = new Float32Array(width).fill(base);
  for (let octave = 0; octave < octaves; octave++) {
    const step = wavelength / 2 ** octave;
    const knots = Float32Array.from({ length: width / step + 2 }, random);
    for (let x = 0; x < width; x++) {
      const knot = Math.floor(x / step);
      const rise = (knots[knot + 1] - knots[knot]) * smooth(x / step - knot);
      const value = knots[knot] + rise;
      const peak = octaves > 1 ? 1 - Math.abs(2 * value - 1) : value;
      tops[x] -= height * 0.45 ** octave * peak;
    }
  }
  return tops;
}

function around({ x, y, radius }: Disc) {
  const reach = radius + 1;
  return {
    left: x - reach,
    right: x + reach,
    top: y - reach,
    bottom: y + reach,
  };
}

function mix(from: Colour, to: Colour, share: number): Colour {
  return [
    from[0] + (to[0] - from[0]) * share,
    from[1] + (to[1] - from[1]) * share,
    from[2] + (to[2] - from[2]) * share,
  ];
}

function smooth(share: number): number {
  const t = Math.min(1, Math.max(0, share));
  return t * t * (3 - 2 * t);
}

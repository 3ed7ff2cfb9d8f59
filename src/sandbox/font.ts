/** Rows of a line of text: seven above the baseline and one for descenders. */
export const GLYPH_HEIGHT = 8;

const CELL_WIDTH = 5;
const GLYPHS_PER_STRIP = 16;
const SPACE_WIDTH = 3;
const FIRST_CODE = 32;
const ELLIPSIS = "...";

// Six strips of sixteen glyphs each, ASCII 32 to 126 in order; the last is the box for all other characters.
const STRIPS = `
..... #.... #.#.. ..... ..#.. ##..# .##.. #.... .#... #.... ..... ..... ..... ..... ..... ...#.
..... #.... #.#.. .#.#. .#### ##..# #..#. #.... #.... .#... #.#.# ..... ..... ..... ..... ...#.
..... #.... ..... ##### #.#.. ...#. #.#.. ..... #.... .#... .###. ..#.. ..... ..... ..... ..#..
..... #.... ..... .#.#. .###. ..#.. .#... ..... #.... .#... ##### ..#.. ..... ..... ..... ..#..
..... #.... ..... ##### ..#.# .#... #.#.# ..... #.... .#... .###. ##### ..... ###.. ..... .#...
..... ..... ..... .#.#. ####. #..## #..#. ..... #.... .#... #.#.# ..#.. .#... ..... ..... .#...
..... #.... ..... ..... ..#.. #..## .##.# ..... .#... #.... ..... ..#.. .#... ..... #.... #....
..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... #.... ..... ..... .....

.###. .#... .###. .###. ...#. ##### ..##. ##### .###. .###. ..... ..... ..... ..... ..... .###.
#...# ##... #...# #...# ..##. #.... .#... ....# #...# #...# ..... ..... ..#.. ..... #.... #...#
#..## .#... ....# ....# .#.#. ####. #.... ...#. #...# #...# #.... .#... .#... ..... .#... ....#
#.#.# .#... ...#. ..##. #..#. ....# ####. ...#. .###. .#### ..... ..... #.... ####. ..#.. ...#.
##..# .#... ..#.. ....# ##### ....# #...# ..#.. #...# ....# ..... ..... .#... ..... .#... ..#..
#...# .#... .#... #...# ...#. #...# #...# ..#.. #...# ...#. ..... .#... ..#.. ####. #.... .....
.###. ###.. ##### .###. ...#. .###. .###. ..#.. .###. .##.. #.... .#... ..... ..... ..... ..#..
..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... #.... ..... ..... ..... .....

.###. .###. ####. .###. ####. ####. ####. .###. #...# ###.. ...#. #...# #.... #...# #...# .###.
#...# #...# #...# #...# #...# #.... #.... #...# #...# .#... ...#. #..#. #.... ##.## ##..# #...#
#.### #...# #...# #.... #...# #.... #.... #.... #...# .#... ...#. #.#.. #.... #.#.# ##..# #...#
#.#.# ##### ####. #.... #...# ###.. ###.. #.### ##### .#... ...#. ##... #.... #.#.# #.#.# #...#
#.### #...# #...# #.... #...# #.... #.... #...# #...# .#... ...#. #.#.. #.... #...# #..## #...#
#.... #...# #...# #...# #...# #.... #.... #...# #...# .#... #..#. #..#. #.... #...# #..## #...#
.#### #...# ####. .###. ####. ####. #.... .#### #...# ###.. .##.. #...# ####. #...# #...# .###.
..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....

####. .###. ####. .#### ##### #...# #...# #...# #...# #...# ##### ##... #.... ##... .#... .....
#...# #...# #...# #.... ..#.. #...# #...# #...# #...# #...# ....# #.... #.... .#... #.#.. .....
#...# #...# #...# #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#. #.... .#... .#... ..... .....
####. #...# ####. .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#.. #.... .#... .#... ..... .....
#.... #.#.# #.#.. ....# ..#.. #...# .#.#. #.#.# .#.#. ..#.. .#... #.... ..#.. .#... ..... .....
#.... #..#. #..#. ....# ..#.. #...# .#.#. ##.## #...# ..#.. #.... #.... ..#.. .#... ..... .....
#.... .##.# #...# ####. ..#.. .###. ..#.. #...# #...# ..#.. ##### ##... ...#. ##... ..... .....
..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... #####

#.... ..... #.... ..... ...#. ..... .##.. ..... #.... #.... .#... #.... #.... ..... ..... .....
.#... ..... #.... ..... ...#. ..... #.... ..... #.... ..... ..... #.... #.... ..... ..... .....
..... .##.. ###.. .###. .###. .##.. ###.. .###. ###.. #.... .#... #..#. #.... ##.#. ###.. .##..
..... ...#. #..#. #.... #..#. #..#. #.... #..#. #..#. #.... .#... #.#.. #.... #.#.# #..#. #..#.
..... .###. #..#. #.... #..#. ####. #.... #..#. #..#. #.... .#... ##... #.... #.#.# #..#. #..#.
..... #..#. #..#. #.... #..#. #.... #.... .###. #..#. #.... .#... #.#.. #.... #.#.# #..#. #..#.
..... .###. ###.. .###. .###. .###. #.... ...#. #..#. #.... .#... #..#. .#... #.#.# #..#. .##..
..... ..... ..... ..... ..... ..... ..... ###.. ..... ..... #.... ..... ..... ..... ..... .....

..... ..... ..... ..... #.... ..... ..... ..... ..... ..... ..... ..#.. #.... #.... ..... ####.
..... ..... ..... ..... #.... ..... ..... ..... ..... ..... ..... .#... #.... .#... ..... #..#.
###.. .###. #.#.. .###. ###.. #..#. #...# #...# #..#. #..#. ####. .#... #.... .#... ..... #..#.
#..#. #..#. ##... #.... #.... #..#. #...# #...# #..#. #..#. ...#. #.... #.... ..#.. .#..# #..#.
#..#. #..#. #.... .##.. #.... #..#. .#.#. #.#.# .##.. #..#. .##.. .#... #.... .#... #.##. #..#.
#..#. #..#. #.... ...#. #.... #..#. .#.#. #.#.# #..#. .###. #.... .#... #.... .#... ..... #..#.
###.. .###. #.... ###.. .##.. .###. ..#.. .#.#. #..#. ...#. ####. ..#.. #.... #.... ..... ####.
#.... ...#. ..... ..... ..... ..... ..... ..... ..... ###.. ..... ..... #.... ..... ..... .....
`;

const GLYPHS = readGlyphs();

/** One character of the built-in font. */
export interface Glyph {
  /** Width in font pixels, without the gap to the next glyph. */
  readonly width: number;
  /** The set pixels from top to bottom; bit 0 is the leftmost. */
  readonly rows: readonly number[];
}

/** How much room {@linkcode wrapText} may use. */
export interface WrapOptions {
  /** Widest line in font pixels. */
  readonly width: number;
  /** Most lines; text beyond them is cut off with an ellipsis. */
  readonly lines: number;
}

/** The glyphs of a text; each character outside ASCII 32 to 126 is a box. */
export function glyphsOf(text: string): Glyph[] {
  return Array.from(text, (character) => {
    const index = character.codePointAt(0)! - FIRST_CODE;
    return GLYPHS[index] ?? GLYPHS[GLYPHS.length - 1];
  });
}

/** The width of a text in font pixels, one blank column between glyphs. */
export function textWidth(text: string): number {
  return glyphsOf(text).reduce((sum, { width }) => sum + width + 1, -1);
}

/** Breaks a text at white space, or inside a word wider than a line. */
export function wrapText(
  text: string,
  { width, lines }: WrapOptions,
): string[] {
  const wrapped: string[] = [];
  let rest = text.trim().replaceAll(/\s+/g, " ");
  while (rest !== "" && wrapped.length < lines) {
    const most = fitting(rest, width);
    const space = rest.lastIndexOf(" ", most);
    const end = most < rest.length && space > 0 ? space : most;
    wrapped.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  const last = wrapped.at(-1);
  if (rest === "" || last === undefined) return wrapped;
  const end = fitting(last, width - textWidth(ELLIPSIS) - 1);
  return [...wrapped.slice(0, -1), last.slice(0, end).trimEnd() + ELLIPSIS];
}

/** The length of the longest start of a text within a width, one character at least. */
function fitting(text: string, width: number): number {
  let length = 0;
  let used = 0;
  for (const character of text) {
    used += glyphsOf(character)[0].width + 1;
    if (length > 0 && used - 1 > width) break;
    length += character.length;
  }
  return length;
}

function readGlyphs(): Glyph[] {
  return STRIPS.trim().split("\n\n").flatMap((strip) => {
    const rows = strip.split("\n");
    return Array.from({ length: GLYPHS_PER_STRIP }, (_, index) => {
      const start = index * (CELL_WIDTH + 1);
      return readGlyph(rows.map((row) => row.slice(start, start + CELL_WIDTH)));
    });
  });
}

function readGlyph(cells: readonly string[]): Glyph {
  const width = Math.max(...cells.map((cell) => cell.lastIndexOf("#") + 1));
  const rows = cells.map((cell) =>
    Array.from(cell).reduce(
      (bits, dot, x) => dot === "#" ? bits | 1 << x : bits,
      0,
    )
  );
  return { width: width || SPACE_WIDTH, rows };
}

const TICK_MS = 1_000;
const UP = (rows: number) => rows === 0 ? "" : `\x1b[${rows}A`;
const CLEAR_LINE = "\x1b[2K";
/** A line that is longer than the terminal is wide would make the way up wrong. */
const WRAP_OFF = "\x1b[?7l";
const WRAP_ON = "\x1b[?7h";

/** Where lines go. */
export interface Screen {
  /** Whether a line can be written over. */
  readonly terminal: boolean;
  write(text: string): void;
}

/** What one line says. */
export interface Line {
  readonly text: string;
  /** What stands behind it and grows older by itself: milliseconds so far, and those that may be left. */
  readonly clock?: { readonly elapsed: number; readonly left: number | null };
}

/** One line for each candidate: on a terminal each in its place, else one after the other as they change. */
export class ProgressLines implements Disposable {
  readonly #screen: Screen;
  readonly #lines = new Map<
    number,
    { readonly line: Line; readonly at: number }
  >();
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  #rows = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
    if (screen.terminal) {
      this.#timer = setInterval(() => this.#draw(), TICK_MS);
    }
  }

  /** Says how a candidate, from 0, stands. */
  set(index: number, line: Line): void {
    const before = this.#lines.get(index)?.line.text;
    this.#lines.set(index, { line, at: performance.now() });
    if (this.#screen.terminal) this.#draw();
    else if (line.text !== before) this.say(`${index + 1}  ${line.text}`);
  }

  /** Says something beside the lines, which no line is written over afterwards. */
  say(text: string): void {
    this.#screen.write(`${text}\n`);
    this.#rows = 0;
  }

  /** Stops the clocks. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #draw(): void {
    const lines = [...this.#lines].sort(([a], [b]) => a - b)
      .map(([index, { at, line }]) =>
        `${CLEAR_LINE}${index + 1}  ${line.text}${clockOf(line, at)}\n`
      );
    const up = UP(this.#rows);
    this.#rows = lines.length;
    this.#screen.write(`${WRAP_OFF}${up}${lines.join("")}${WRAP_ON}`);
  }
}

function clockOf({ clock }: Line, at: number): string {
  if (clock === undefined) return "";
  const since = performance.now() - at;
  const elapsed = `, ${seconds(clock.elapsed + since)}`;
  const left = (clock.left ?? 0) - since;
  return left < TICK_MS ? elapsed : `${elapsed}, about ${seconds(left)} left`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

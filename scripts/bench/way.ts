/** One way to come by images. */
export interface Way {
  /** How many images it makes at once. */
  readonly images: number;
  /** What the marks of its processes are, or with a `*` at its end, what they begin with. */
  readonly mark: string;
  /** Where its pictures appear. */
  readonly pictures: string;
  /** Begins to make images. */
  start(prompt: string): Making;
  /** Resolves when nothing of it runs any more. */
  settle(signal: AbortSignal): Promise<void>;
}

/** Images on their way. */
export interface Making {
  /** Resolves when whoever asked has them; rejects where there are none. */
  readonly done: Promise<void>;
  /** Changes one's mind. */
  cancel(): void;
}

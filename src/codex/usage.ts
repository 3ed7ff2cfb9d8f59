import { ApiError, HttpError } from "../errors.ts";
import { startStopwatch } from "../util.ts";
import { NoAnswerError, type Question } from "./app_server.ts";
import { codexUnreachable, loginRequired } from "./errors.ts";

/** How long an answer is good for, in milliseconds. */
const CACHE_MS = 60_000;
/** How long it is remembered that there is none, in milliseconds. */
const FAILURE_MS = 5_000;
/** How many images an estimate needs at least. */
const ESTIMATE_IMAGES = 10;
/** By how much the end of one window may differ from time to time, in seconds. */
const SAME_WINDOW_S = 120;
/** The last second that a date can tell. */
const LAST_S = 8_640_000_000_000;
/** The limit that images count against. */
const MAIN_LIMIT = "codex";
const UNAVAILABLE = 503;

/** The question for the quota. */
export const USAGE_QUESTION: Question = {
  method: "account/rateLimits/read",
  params: { excludeResetCreditDetails: true },
};

/** One window of an account's quota. */
export interface UsageWindow {
  /** The name of the limit; `codex` is the one that images count against. */
  readonly limit: string;
  /** How long the window is, in minutes; 0 where it is not told. */
  readonly minutes: number;
  readonly usedPercent: number;
  /** When it starts over, in seconds since 1970; undefined where it is not told. */
  readonly resetsAt: number | undefined;
}

/** What images have cost. */
export interface ImageCost {
  /** How many images it is estimated from. */
  readonly count: number;
  /** Of the shortest window. */
  readonly percentPerImage: number;
}

/** How much of the quota is used; nothing of the account. */
export interface Usage {
  /** In milliseconds since 1970. */
  readonly asOf: number;
  /** Whether the CLI was asked, or told it with the last image. */
  readonly source: "codex" | "last_run";
  readonly limitReached: boolean;
  readonly windows: readonly UsageWindow[];
  /** Undefined until there were ten images in one window. */
  readonly images: ImageCost | undefined;
}

/** From where on images are counted in one window. */
interface Since {
  readonly images: number;
  readonly first: UsageWindow;
  readonly latest: UsageWindow;
}

type Quota = Pick<Usage, "limitReached" | "windows">;

/** Knows how much of the quota is used: asks the CLI at most once a minute, and listens to what it tells with every image. */
export class UsageReader {
  readonly #ask: () => Promise<unknown>;
  readonly #account: () => Promise<string>;
  #asking: Promise<Usage> | undefined;
  #age = startStopwatch();
  #goodForMs = 0;
  #last: Usage | undefined;
  #of: string | undefined;
  #images = 0;
  #since: Since | undefined;

  /**
   * @param ask Asks the CLI {@linkcode USAGE_QUESTION}.
   * @param account Tells one account from another.
   */
  constructor(ask: () => Promise<unknown>, account: () => Promise<string>) {
    this.#ask = ask;
    this.#account = account;
  }

  /** What was last known; undefined where nothing was. */
  get last(): Usage | undefined {
    return this.#last;
  }

  /**
   * Tells the usage; who asks while another does gets the same answer.
   *
   * @throws {ApiError} The CLI cannot tell, and has not told with an image either; the status is 503.
   */
  async read(): Promise<Usage> {
    const account = await this.#account();
    if (this.#of !== undefined && account !== this.#of) {
      this.#asking = this.#last = this.#since = undefined;
    }
    this.#of = account;
    const isFresh = this.#asking !== undefined && this.#age() < this.#goodForMs;
    if (!isFresh) {
      // For as long as it takes; how long the answer is good for is known with it.
      this.#goodForMs = Infinity;
      this.#asking = this.#read();
    }
    return await this.#asking!;
  }

  /** Asks again at the next `read()`: a worker was told that the limit is reached. */
  expire(): void {
    this.#asking = undefined;
  }

  /** Counts an image that was drawn. */
  countImage(): void {
    this.#images++;
  }

  /**
   * Takes what the CLI's session file tells of the quota, which is from before the image.
   *
   * @param rateLimits In the CLI's words.
   */
  note(rateLimits: unknown): void {
    const quota = readQuota({ rateLimits });
    if (quota !== undefined && quota.windows.length > 0) {
      this.#keep(quota, "last_run", Math.max(0, this.#images - 1));
    }
  }

  async #read(): Promise<Usage> {
    let goodForMs = FAILURE_MS;
    try {
      const quota = readQuota(await this.#ask());
      if (quota === undefined) throw new NoAnswerError("it tells no limits");
      goodForMs = CACHE_MS;
      return this.#keep(quota, "codex", this.#images);
    } catch (error) {
      const failure = toFailure(error);
      if (this.#last === undefined) throw failure;
      return this.#last;
    } finally {
      this.#age = startStopwatch();
      this.#goodForMs = goodForMs;
    }
  }

  #keep(quota: Quota, source: Usage["source"], images: number): Usage {
    const shortest = quota.windows.filter(({ limit }) => limit === MAIN_LIMIT)
      .toSorted((a, b) => a.minutes - b.minutes).at(0);
    const cost = shortest && this.#estimate(shortest, images);
    return this.#last = {
      ...quota,
      asOf: Date.now(),
      source,
      images: cost,
    };
  }

  #estimate(window: UsageWindow, images: number): ImageCost | undefined {
    const since = this.#since;
    if (since === undefined || isReset(since.latest, window)) {
      this.#since = { images, first: window, latest: window };
      return undefined;
    }
    this.#since = { ...since, latest: window };
    const count = images - since.images;
    if (count < ESTIMATE_IMAGES) return undefined;
    const percent = window.usedPercent - since.first.usedPercent;
    return { count, percentPerImage: Math.round(percent / count * 100) / 100 };
  }
}

/**
 * Reads the windows out of an answer of the CLI or out of its session file, which use other names for the same things.
 *
 * @returns undefined where there is nothing of the kind.
 */
export function readQuota(answer: unknown): Quota | undefined {
  const { rateLimits, rateLimitsByLimitId } = record(answer);
  if (typeof rateLimits !== "object" || rateLimits === null) return undefined;
  const others = Object.values(record(rateLimitsByLimitId)).map(record);
  const limits = [
    record(rateLimits),
    ...others.filter((limit) => nameOf(limit) !== nameOf(record(rateLimits))),
  ];
  const windows = limits.flatMap((limit) =>
    [limit.primary, limit.secondary].map((window) => readWindow(limit, window))
  ).filter((window) => window !== undefined);
  const isReached = limits.some((limit) =>
    (limit.rateLimitReachedType ?? limit.rate_limit_reached_type ?? null) !==
      null
  );
  const isFull = windows.some(({ limit, usedPercent }) =>
    limit === MAIN_LIMIT && usedPercent >= 100
  );
  return { limitReached: isReached || isFull, windows };
}

type Fields = Readonly<Record<string, unknown>>;

function readWindow(limit: Fields, value: unknown): UsageWindow | undefined {
  const window = record(value);
  const usedPercent = window.usedPercent ?? window.used_percent;
  if (!isNumber(usedPercent)) return undefined;
  const minutes = window.windowDurationMins ?? window.window_minutes;
  const resetsAt = window.resetsAt ?? window.resets_at;
  return {
    limit: nameOf(limit),
    minutes: isNumber(minutes) ? minutes : 0,
    usedPercent,
    resetsAt: isNumber(resetsAt) && resetsAt > 0 && resetsAt < LAST_S
      ? resetsAt
      : undefined,
  };
}

function nameOf(limit: Fields): string {
  const name = limit.limitId ?? limit.limit_id;
  return typeof name === "string" && /^[a-z\d_-]{1,40}$/i.test(name)
    ? name
    : MAIN_LIMIT;
}

function isReset(before: UsageWindow, now: UsageWindow): boolean {
  const moved = Math.abs((now.resetsAt ?? 0) - (before.resetsAt ?? 0));
  return now.usedPercent < before.usedPercent || moved > SAME_WINDOW_S ||
    now.minutes !== before.minutes;
}

// What the CLI says holds addresses and bodies, which are nobody's business.
function toFailure(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (!(error instanceof NoAnswerError)) throw error;
  const { message } = error;
  if (/authentication required/.test(message)) {
    return loginRequired("it cannot be asked for the quota without a login");
  }
  if (/error sending request/.test(message)) {
    return codexUnreachable("it cannot ask for the quota");
  }
  const reason = /^failed to fetch/.test(message)
    ? "its service does not tell it"
    : /^it /.test(message)
    ? message
    : "it gives no reason";
  return new HttpError(
    "codex_exec_failed",
    `Cannot ask Codex for the quota: ${reason}`,
    { status: UNAVAILABLE, retryAfter: FAILURE_MS / 1000 },
  );
}

function record(value: unknown): Fields {
  return typeof value === "object" && value !== null ? value as Fields : {};
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

import { delay } from "@std/async/delay";

/** How long a limit lasts that a prompt provokes, in seconds. */
const LIMIT_SECONDS = 5400;

/** How much of an account's quota is used up within one stretch of time. */
export interface UsageWindow {
  /** How long the window is, in minutes. */
  readonly minutes: number;
  /** How much of it one picture takes, in percent. */
  readonly percentPerImage: number;
  /** From 0 to 100; at 100 the limit is reached. */
  usedPercent: number;
  /** When the window starts over, in seconds since 1970. */
  resetsAt: number;
}

/** The quota of the sandbox's account: two windows that fill as pictures are drawn and never run dry by themselves. */
export class SandboxUsage {
  /** The window of five hours, of which fifteen pictures take about 5 %. */
  readonly primary: UsageWindow = openWindow(300, 0.33);
  /** The window of a week. */
  readonly secondary: UsageWindow = openWindow(10_080, 0.05);
  /** Further limits by the service's own names, such as `{limit_name, metered_feature, rate_limit}`. */
  additional: readonly unknown[] = [];
  /** What `GET /backend-api/wham/usage` answers; `nothing` is an empty body, `garbage` no JSON. */
  answers: "windows" | "no-windows" | "nothing" | "garbage" = "windows";
  /** How long that answer takes, in milliseconds. */
  delayMs = 0;
  /** Whether every call of a model is refused with the usage limit. */
  refusing = false;

  /** Whether a window is used up. */
  get limitReached(): boolean {
    return this.#full.length > 0;
  }

  get #windows(): UsageWindow[] {
    return [this.primary, this.secondary];
  }

  get #full(): UsageWindow[] {
    return this.#windows.filter(({ resetsAt, usedPercent }) =>
      usedPercent >= 100 && resetsAt > now()
    );
  }

  /** Counts a picture; a window that it does not fit into starts over first. */
  countImage(): void {
    for (const window of this.#windows) {
      const used = window.usedPercent + window.percentPerImage;
      const fits = used < 100 && window.resetsAt > now();
      window.usedPercent = fits ? used : window.percentPerImage;
      if (!fits) window.resetsAt = now() + window.minutes * 60;
    }
  }

  /** Uses up the window of five hours, and answers as the real service does to an account that has. */
  refuse(): Response {
    if (!this.limitReached) {
      this.primary.usedPercent = 100;
      this.primary.resetsAt = now() + LIMIT_SECONDS;
    }
    const resets_at = Math.max(...this.#full.map(({ resetsAt }) => resetsAt));
    return Response.json({
      error: {
        type: "usage_limit_reached",
        message: "The usage limit has been reached",
        plan_type: "plus",
        resets_at,
        resets_in_seconds: resets_at - now(),
      },
    }, { status: 429 });
  }

  /** Answers `GET /backend-api/wham/usage`, with account data as the real service does. */
  async answer(signal: AbortSignal): Promise<Response> {
    await delay(this.delayMs, { signal });
    if (this.answers === "nothing") return new Response();
    if (this.answers === "garbage") return new Response("<html>Hello</html>");
    const withWindows = this.answers === "windows";
    return Response.json({
      user_id: "sandbox-user",
      account_id: "sandbox-account",
      email: "sandbox@localhost",
      plan_type: "plus",
      rate_limit: {
        allowed: !this.limitReached,
        limit_reached: this.limitReached,
        primary_window: withWindows ? describe(this.primary) : null,
        secondary_window: withWindows ? describe(this.secondary) : null,
      },
      credits: { has_credits: false, unlimited: false, balance: "0" },
      additional_rate_limits: this.additional,
    });
  }

  /** The headers by which the service tells the windows with every answer of a model. */
  headers(): Record<string, string> {
    return Object.fromEntries(
      Object.entries({ primary: this.primary, secondary: this.secondary })
        .flatMap(([name, { minutes, resetsAt, usedPercent }]) => [
          [`x-codex-${name}-used-percent`, usedPercent.toFixed(2)],
          [`x-codex-${name}-window-minutes`, `${minutes}`],
          [`x-codex-${name}-reset-at`, `${resetsAt}`],
        ]),
    );
  }
}

function openWindow(minutes: number, percentPerImage: number): UsageWindow {
  const resetsAt = now() + minutes * 60;
  return { minutes, percentPerImage, usedPercent: 0, resetsAt };
}

// The service tells whole numbers.
function describe({ minutes, resetsAt, usedPercent }: UsageWindow) {
  return {
    used_percent: Math.floor(usedPercent),
    limit_window_seconds: minutes * 60,
    reset_after_seconds: resetsAt - now(),
    reset_at: resetsAt,
  };
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

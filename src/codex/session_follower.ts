import { delay } from "@std/async/delay";
import { join } from "@std/path";
import { removeIfThere } from "../remove.ts";
import { startStopwatch } from "../stopwatch.ts";
import {
  findSession,
  NO_FACTS,
  type SessionFacts,
  SessionTail,
} from "./session.ts";

/** How often to look for a tool call, in milliseconds. */
const CALL_POLL_MS = 250;
/** How long a finished picture waits for the record of it, in milliseconds. */
const FACTS_MS = 80;
const FACTS_POLL_MS = 3;

/** What the CLI keeps of one thread, followed while it runs and removed afterwards. */
export interface SessionFollower {
  /** The directory in which the thread's pictures appear. */
  readonly pictures: string;
  /**
   * Never resolves; rejects with what the listener throws at a tool call.
   *
   * @param signal Ends the looking.
   */
  objection(signal: AbortSignal): Promise<never>;
  /** What is known once the picture is there. */
  facts(): Promise<SessionFacts>;
  /** Removes everything of the thread. */
  remove(): Promise<void>;
}

/**
 * Follows the session file and the pictures of a thread.
 *
 * @param home The CLI's home.
 * @param onToolCall Told of every tool call as it begins.
 */
export function followSession(
  home: string,
  threadId: string,
  onToolCall: (call: string) => void = () => {},
): SessionFollower {
  const begun = new Date();
  const pictures = join(home, "generated_images", threadId);
  let path: string | undefined;
  let tail: SessionTail | undefined;
  let told = 0;

  // One after the other: two readers at one place would count things twice.
  let reading: Promise<SessionFacts> = Promise.resolve(NO_FACTS);
  let known = NO_FACTS;
  function read(): Promise<SessionFacts> {
    return reading = reading.then(readNow);
  }

  async function readNow(): Promise<SessionFacts> {
    try {
      path ??= await findSession(home, threadId, begun);
      if (path === undefined) return known;
      tail ??= new SessionTail(path);
      return known = await tail.read();
    } catch (error) {
      // What cannot be read is told less well, but costs no picture.
      if (error instanceof Error && "code" in error) return known;
      throw error;
    }
  }

  return {
    pictures,
    async objection(signal) {
      while (true) {
        await delay(CALL_POLL_MS, { signal });
        const { toolCalls } = await read();
        while (told < toolCalls.length) onToolCall(toolCalls[told++]);
      }
    },
    // The picture is there a moment before the record of it; the CLI's next call is not long after.
    async facts() {
      const elapsed = startStopwatch();
      while (true) {
        const facts = await read();
        if (facts.revisedPrompt !== undefined || elapsed() > FACTS_MS) {
          return facts;
        }
        await delay(FACTS_POLL_MS);
      }
    },
    async remove() {
      await Promise.allSettled([reading]);
      await removeIfThere(pictures);
      path ??= await findSession(home, threadId, begun);
      if (path !== undefined) await removeIfThere(path);
    },
  };
}

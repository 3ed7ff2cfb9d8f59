/**
 * Runs one check and prints a line about it.
 *
 * The check returns what it found and throws what is wrong; the answer is whether all is well.
 */
export type Check = (
  name: string,
  body: () => Promise<string>,
) => Promise<boolean>;

/** Checks that have been run. */
export interface Checks {
  readonly check: Check;
  /** How many went well. */
  readonly passed: number;
  /** How many did not. */
  readonly failed: number;
}

/** Starts to count checks. */
export function startChecks(): Checks {
  let passed = 0;
  let failed = 0;
  return {
    check: async (name, body) => {
      const started = Date.now();
      try {
        const found = await body();
        passed++;
        console.log(`ok    ${name}: ${found} (${Date.now() - started} ms)`);
        return true;
      } catch (error) {
        failed++;
        const reason = error instanceof Error ? error.message : String(error);
        console.log(`FAIL  ${name}: ${reason}`);
        return false;
      }
    },
    get passed() {
      return passed;
    },
    get failed() {
      return failed;
    },
  };
}

/** The CLI refreshes a token that ends within five minutes; one more is for the time it takes to get there. */
const AHEAD_MS = 6 * 60_000;

/**
 * Tells whether the next `codex exec` will refresh the login before it does anything else.
 *
 * The CLI takes no lock for that: of several that start at the same moment each would spend the
 * same refresh token, and a service that sees one twice may end the login for good.
 *
 * @param authFile The login file.
 * @param now Milliseconds since 1970.
 * @returns True where it cannot be told.
 */
export async function isRefreshDue(
  authFile: string,
  now: number = Date.now(),
): Promise<boolean> {
  const end = expiryOf(await readOrEmpty(authFile));
  return end === undefined || end - now < AHEAD_MS;
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    if (error instanceof Deno.errors.PermissionDenied) return "";
    throw error;
  }
}

function expiryOf(login: string): number | undefined {
  try {
    const [, claims] = JSON.parse(login).tokens.access_token.split(".");
    const bytes = Uint8Array.fromBase64(claims, { alphabet: "base64url" });
    const { exp } = JSON.parse(new TextDecoder().decode(bytes));
    return Number.isFinite(exp) ? exp * 1000 : undefined;
  } catch (error) {
    // The file belongs to the CLI: whatever is missing or odd in it is no error of ours.
    if (error instanceof SyntaxError || error instanceof TypeError) {
      return undefined;
    }
    throw error;
  }
}

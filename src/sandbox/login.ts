import { join } from "@std/path";

const ACCOUNT = "sandbox-account";

/** How long a sandbox login is good for. */
export interface SandboxLoginOptions {
  /** When the access token ends, in seconds since 1970; ten days from now when left out. */
  readonly expiresAt?: number;
  /** The refresh token, by which the backend recognizes the login. */
  readonly refreshToken?: string;
}

/**
 * Makes the throw-away ChatGPT tokens of the sandbox.
 *
 * They are unsigned, belong to nobody and mean something to the sandbox backend alone.
 */
export function sandboxTokens(
  options: SandboxLoginOptions = {},
): Record<string, string> {
  const expiresAt = options.expiresAt ??
    Math.floor(Date.now() / 1000) + 864_000;
  const token = [
    { alg: "none", typ: "JWT" },
    {
      exp: expiresAt,
      email: "sandbox@localhost",
      "https://api.openai.com/auth": {
        chatgpt_plan_type: "plus",
        chatgpt_account_id: ACCOUNT,
        chatgpt_user_id: "sandbox-user",
      },
    },
  ].map(base64Url).join(".") + ".unsigned";
  return {
    id_token: token,
    access_token: token,
    refresh_token: options.refreshToken ?? "sandbox-refresh-token",
  };
}

/**
 * Writes a throw-away `auth.json` into a directory.
 *
 * @returns The path of the file.
 */
export async function writeSandboxLogin(
  directory: string,
  options: SandboxLoginOptions = {},
): Promise<string> {
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, "auth.json");
  const login = {
    auth_mode: "chatgpt",
    OPENAI_API_KEY: null,
    tokens: { ...sandboxTokens(options), account_id: ACCOUNT },
    last_refresh: new Date().toISOString(),
  };
  await Deno.writeTextFile(path, JSON.stringify(login), { mode: 0o600 });
  return path;
}

function base64Url(value: unknown): string {
  return new TextEncoder().encode(JSON.stringify(value))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

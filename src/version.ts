import manifest from "../deno.json" with { type: "json" };

/** The version of this server, such as `1.2.3`. */
export const VERSION: string = manifest.version;

import { createHash } from "node:crypto";
import { apiPage, PAGE_STYLE } from "../api/docs_page.ts";
import { openApiDocument } from "../api/openapi.ts";

/** The routes that tell of the API: its OpenAPI document for programs, and the same as a web page. */
export const docsRoutes = {
  document: (): Response => Response.json(openApiDocument()),
  page: (): Response =>
    new Response(apiPage(), {
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy":
          `default-src 'none'; style-src 'sha256-${styleDigest()}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
        "x-content-type-options": "nosniff",
      },
    }),
} as const;

function styleDigest(): string {
  return createHash("sha256").update(PAGE_STYLE).digest("base64");
}

import { createHash } from "node:crypto";
import { apiPage, PAGE_STYLE } from "../api/docs_page.ts";
import {
  type DescribedRoute,
  openApiDocument,
  withoutSchema,
} from "../api/openapi.ts";
import type { ApiRoute } from "./route.ts";

/**
 * Makes the routes that tell of the API: its OpenAPI document for programs, and the same as a web page.
 *
 * @param routes Tells all routes, these among them.
 */
export function docsRoutes(
  routes: () => readonly DescribedRoute[],
): readonly ApiRoute<never>[] {
  return [
    {
      method: "GET",
      path: "/openapi.json",
      handler: () => Response.json(openApiDocument(routes())),
      operation: {
        id: "showDocument",
        tag: "Server",
        summary: "Read this document",
        answers: { 200: withoutSchema("The document", "application/json") },
      },
    },
    {
      method: "GET",
      path: "/docs",
      handler: () => showPage(apiPage(routes())),
      operation: {
        id: "showDocs",
        tag: "Server",
        summary: "Read this document as a web page",
        answers: { 200: withoutSchema("The page", "text/html") },
      },
    },
  ];
}

function showPage(html: string): Response {
  const style = createHash("sha256").update(PAGE_STYLE).digest("base64");
  return new Response(html, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy":
        `default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      "x-content-type-options": "nosniff",
    },
  });
}

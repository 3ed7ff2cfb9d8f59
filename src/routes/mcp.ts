import { withoutSchema } from "../api/openapi.ts";
import { TOOLS } from "../mcp/tools.ts";
import { linkAbortController } from "../util.ts";
import type { ApiRoute, HandlerContext, Service } from "./route.ts";

/** The route of agents. */
export const MCP_ROUTES: readonly ApiRoute[] = [
  {
    method: "POST",
    path: "/mcp",
    handler: answer,
    operation: {
      id: "callTools",
      tag: "Agents",
      summary: "Use the server as a tool of agents",
      description:
        `Model Context Protocol by streamable HTTP, without sessions, of the revisions 2026-07-28 and 2025-06-18: one message of JSON-RPC a request. Tools: ${
          TOOLS.map(({ listed }) => `\`${listed.name}\``).join(", ")
        }.`,
      answers: {
        200: withoutSchema(
          "The response, behind notifications of its progress where it is a stream",
          "application/json",
          "text/event-stream",
        ),
        202: { description: "A notification was taken" },
      },
    },
  },
];

async function answer(
  request: Request,
  context: HandlerContext<keyof Service>,
): Promise<Response> {
  const gone = linkAbortController(request.signal);
  // The package takes 22 MB and a part of a second, which a server without agents need not spend.
  const { answerMessage } = await import("../mcp/server.ts");
  return answerMessage(request, { ...context, gone });
}

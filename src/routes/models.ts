import type { RouteContext } from "../http/router.ts";
import { listModels, showModel } from "../openai/models.ts";

/** The routes of models, of which there is one. */
export const modelRoutes = {
  list: (): Response => Response.json(listModels()),
  show: (_request: Request, { params }: RouteContext<object>): Response =>
    Response.json(showModel(params.id)),
} as const;

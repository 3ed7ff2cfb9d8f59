import { Failure } from "../failure.ts";
import { quote } from "../http/quote.ts";

/** Makes the failure of a request for an image that is not there. */
export function imageNotFound(id: string): Failure {
  return new Failure(
    "not_found",
    `Cannot find image ${quote(id)}: expected the id of a stored image`,
  );
}

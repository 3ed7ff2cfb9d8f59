import * as z from "zod";
import { closestString } from "@std/text/closest-string";

/** How much of an unknown name is compared with the known ones. */
const MAX_NAME = 60;

/**
 * Makes the schema of an object that has the named fields and no others; the message about an unknown field suggests the
 * nearest known name.
 *
 * @param shape The schemas of the fields, in the order in which their issues are reported
 * @param expected What the message says where there is no object at all
 */
export function strictFields<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  expected: string,
): z.ZodObject<Shape, z.core.$strict> {
  const names = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== "unrecognized_keys") return expected;
      const name = issue.keys[0].slice(0, MAX_NAME);
      return `there is no such field, the nearest is "${
        closestString(name, names)
      }"`;
    },
  });
}

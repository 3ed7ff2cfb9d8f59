// What the tests call in a page.

import * as using from "./using.js";
import * as reading from "./reading.js";
import * as sending from "./sending.js";

Object.assign(globalThis, using, {
  readInEveryWay: (target) => tryAll(reading, target),
  sendInEveryWay: (target) => tryAll(sending, target),
});

/** Tells of each way by its name what the page gets to see. */
async function tryAll(ways, target) {
  const outcomes = {};
  for (const [name, way] of Object.entries(ways)) {
    try {
      outcomes[name] = await way(target);
    } catch (error) {
      outcomes[name] = error.name;
    }
  }
  return outcomes;
}

/** The sandbox in a thread of its own, so that drawing pictures takes no time from who measures. */
import { startSandbox } from "../../src/sandbox/backend.ts";

const scope = self as unknown as {
  postMessage(message: unknown): void;
  onmessage: () => void;
};

const sandbox = startSandbox();
// Any message asks what was received since the last one.
scope.onmessage = () => {
  scope.postMessage(sandbox.record.all);
  sandbox.record.clear();
};
scope.postMessage(sandbox.url);

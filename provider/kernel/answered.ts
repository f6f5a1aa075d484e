import type { Reply } from "./command.ts";
import { Unseen } from "./failure.ts";

/**
 * The answer to a question that ends well whatever stands on the host. When it does not, that is no evidence that something is not there.
 * @throws Unseen with the tool's words
 */
export function answered(reply: Reply): Reply {
  if (reply.code === 0) return reply;
  const cause = reply.stderr || `exit code ${reply.code}`;
  throw new Unseen({ problem: "cannot look at the host", cause, state: "Nothing was changed." });
}

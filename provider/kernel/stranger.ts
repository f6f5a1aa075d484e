import { refuse } from "./failure.ts";
import type { Link } from "./links.ts";
import type { Standing } from "./owner.ts";

/**
 * Refuses where a link stands under a name that is not ours to change: another owner's, or nobody's unless it may be adopted.
 *
 * @param kind what it has to be to be adopted: `bridge`
 */
export function refuseStranger(
  name: string,
  link: Link | undefined,
  who: Standing,
  adopt: boolean,
  kind: string,
): void {
  if (!link) return;
  if (who === "foreign" || (who === "unowned" && !adopt)) {
    const whose = link.alias ? `carries the mark ${link.alias}` : "nothing of linuxnet's owns it";
    const takeOver = "Choose another name, delete it, or set adopt: true to take over one that has no owner.";
    refuse(`a link ${name} is there already and ${whose}`, takeOver);
  }
  if (link.kind !== kind) refuse(`${name} is there and is no ${kind}`, "Choose another name.");
}

import { lacks, refuse } from "./failure.ts";
import type { Link, Sight } from "./links.ts";
import { removeOther, type Standing } from "./owner.ts";

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
  if (who === "foreign") refuse(`a link ${name} is there already and belongs to ${link.alias}`, removeOther);
  if (who === "unowned" && !adopt) {
    const whose = link.alias ? `carries the mark ${link.alias}` : "nothing of linuxnet's owns it";
    const takeOver = "Choose another name, delete it, or set adopt: true to take it over.";
    refuse(`a link ${name} is there already and ${whose}`, takeOver);
  }
  if (link.kind !== kind) refuse(`${name} is there and is no ${kind}`, "Choose another name.");
}

/**
 * Refuses where the namespace of a link is not there, or the bridge that it is to be a port of.
 *
 * @throws Missing another resource may be making it at this moment
 */
export function refuseMissing(
  { netns, bridge }: { netns?: string | undefined; bridge?: string | undefined },
  sight: Sight,
  bridgeSight: Sight,
): void {
  if (!sight.netns) lacks(`there is no namespace ${netns}`);
  if (bridge && bridgeSight.link?.kind !== "bridge")
    lacks(bridgeSight.link ? `${bridge} is no bridge` : `there is no bridge ${bridge}`);
}

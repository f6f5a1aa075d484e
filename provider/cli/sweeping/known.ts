import { sealOwner } from "../../lifecycle/identity.ts";
import { ownerParts } from "../inventory.ts";
import type { Stack } from "../stack.ts";

/** How an owner relates to the states that were given. */
export type Relation = "known" | "orphan" | "other";

/** What some states know, and which stacks they speak for. */
export interface Known {
  /**
   * `known`: a state has it. `orphan`: it is of a stack that was given, in the same hands, and its state does not have it.
   * `other`: of another project, stack or person, of whom the states say nothing.
   */
  relationOf(owner: string): Relation;
}

/** The folder of a Lab's owner, cut as {@link partOwner} cuts that of a part. */
const partLimit = 82;

/**
 * What states know.
 *
 * @param whole whether they are all stacks of their project: an owner of another stack of it is an orphan then, its stack is gone
 */
export function knownBy(stacks: readonly Stack[], whole: boolean): Known {
  const owners = new Set(stacks.flatMap(({ resources }) => resources.flatMap(({ owner }) => owner ?? [])));
  const labs = stacks.flatMap(({ resources }) =>
    resources.flatMap(({ kind, owner }) => (kind === "Lab" && owner ? [owner] : [])),
  );
  const hands = new Set([...owners, sealOwner("", undefined)].map((owner) => owner.split("@")[1] ?? ""));
  const projects = new Set(stacks.map(({ project }) => ownPart(project)));
  const names = new Set(stacks.map(({ project, name }) => `${ownPart(project)}/${ownPart(name)}`));
  return {
    relationOf(owner) {
      if (owners.has(owner) || labs.some((lab) => isPartOf(owner, lab))) return "known";
      const { project, stack, who } = ownerParts(owner);
      const spokenFor = whole ? projects.has(project) : names.has(`${project}/${stack}`);
      return spokenFor && hands.has(who) ? "orphan" : "other";
    },
  };
}

/** A project or stack as an owner has it (`ownerOf`). */
function ownPart(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_.-]/g, "_").slice(0, 20);
}

function isPartOf(owner: string, lab: string): boolean {
  const [base = "", seal] = owner.split("@");
  const [labBase = "", labSeal] = lab.split("@");
  if (seal !== labSeal) return false;
  const folder = `${labBase}/`;
  return base.startsWith(folder) || (base[partLimit] === "~" && folder.startsWith(base.slice(0, partLimit)));
}

import { partsOf } from "../../resources/lab/parts.ts";
import type { LabArgs } from "../../resources/lab/shape.ts";
import { hidden, type StackResource } from "../stack.ts";

/**
 * What a part of a Lab is called beside the urns of resources: the Lab's own, and which network or container.
 * @param at where it comes from among the Lab's inputs: `containers.web.publish[0]`
 */
function partUrn(urn: string, at: string): string {
  return `${urn}#${at.split(".").slice(0, 2).join(".")}`;
}

/** What a Lab is made of, each part as the resource that it would be outside of one. */
export function partsAsResources(lab: StackResource): StackResource[] {
  const { networks = {}, containers = {}, expect = [], owner, adopt = false } = lab.outputs;
  const args = { networks, containers, expect, owner, adopt } as unknown as LabArgs;
  // Where something of the Lab is secret, nothing of its parts is shown.
  const open = !JSON.stringify(lab.shown).includes(hidden);
  return partsOf(args).map(({ name, at, definition, args: outputs }) => ({
    urn: partUrn(lab.urn, at),
    kind: definition.kind,
    // A network's bridge has the network's name, whatever the part is called.
    name: definition.kind === "Bridge" ? at.replace(/^networks\./, "") : name,
    parent: lab.urn,
    lab: lab.name,
    component: false,
    inputs: outputs,
    outputs,
    shown: open ? outputs : {},
    owner: outputs.owner,
    connection: lab.connection,
  }));
}

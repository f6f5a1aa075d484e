import { type Stack, stackOf } from "../../provider/cli/stack.ts";

type Bag = Record<string, unknown>;

/** A resource of a made-up state: its kind, its name, its outputs, and the component it is in. */
export type Entry = [kind: string, name: string, outputs: Bag, parent?: string];

const components = ["Container", "Network"];

/** A stack `dev` of the project `lab` as the engine would have stored it. */
export function exported(entries: readonly Entry[]): Stack {
  const urnOf = (kind: string, name: string) => `urn:pulumi:dev::lab::${kind}::${name}`;
  const resources = entries.map(([kind, name, outputs, parent]) => {
    const isComponent = components.includes(kind);
    const owner = `linuxnet:lab/dev/${kind}/${name}@11111111`;
    return {
      urn: urnOf(kind, name),
      type: isComponent ? `linuxnet:index:${kind}` : `pulumi-nodejs:dynamic/linuxnet:${kind}`,
      ...(parent !== undefined && { parent: urnOf(parent.split("/")[0] ?? "", parent.split("/")[1] ?? "") }),
      inputs: outputs,
      outputs: isComponent ? outputs : { owner, ...outputs },
    };
  });
  return stackOf("dev", resources, urnOf("pulumi:pulumi:Stack", "lab-dev"));
}

/** A network with containers in it, as the components make them. */
export function network(name: string, subnet: string, members: readonly string[], more: Bag = {}): Entry[] {
  const at = (number: number) => `${subnet.replace(/\d+\/.*/, `${number}`)}/${subnet.split("/")[1]}`;
  const bridge = `br-${name}`;
  const containers = members.flatMap((member, index): Entry[] => {
    const netns = `${member}-ns`;
    const addresses = [at(index + 2)];
    const peer = { name: "eth0", netns, addresses };
    return [
      ["Container", member, { netns, addresses, gateway: at(1).split("/")[0] }],
      ["Netns", member, { name: netns }, `Container/${member}`],
      ["VethPair", member, { name: `${member}-0`, bridge, addresses: [], peer }, `Container/${member}`],
    ];
  });
  return [
    ["Network", name, { subnets: [subnet], bridgeName: bridge }],
    ["Bridge", name, { name: bridge, addresses: [at(1)], isolate: true, ...more }, `Network/${name}`],
    ...(more.internal
      ? []
      : ([["NatRule", name, { type: "masquerade", source: subnet }, `Network/${name}`]] as Entry[])),
    ...containers,
  ];
}

import { hostOf } from "../../host/host.ts";
import { LinuxnetError } from "../../kernel/failure.ts";
import { crud } from "../../lifecycle/crud.ts";
import { definitions } from "../../resources/index.ts";
import type { Stack, StackResource } from "../stack.ts";
import { isFinding, type Reach } from "../standing.ts";
import type { Looked } from "./scene.ts";

/** What came of mending: the objects that are as declared again, and those that are not, with the reason. */
export interface Mended {
  done: string[];
  failed: { what: string; why: string }[];
}

/** What others stand on comes first. */
const order = [
  "Netns",
  "Bridge",
  "Vxlan",
  "VethPair",
  "Lab",
  "NatRule",
  "ForwardRule",
  "PortPublish",
  "ResolvConf",
  "Resolver",
  "Process",
];

/**
 * Brings what is ours and differs back to what the state says, by the same code that an `up` runs. Nothing else of a host is changed,
 * nor is the state.
 */
export async function mend(stack: Stack, looked: readonly Looked[], reach: Reach = hostOf): Promise<Mended> {
  const differ = looked.flatMap(({ scene }) => scene?.standing.filter(isFinding) ?? []);
  // A part of a Lab is mended with it.
  const urns = new Set(differ.map(({ resource }) => resource.urn.split("#")[0]));
  const result: Mended = { done: [], failed: [] };
  for (const kind of order) {
    const own = stack.resources.filter((one) => one.kind === kind && urns.has(one.urn));
    await Promise.all(own.map((one) => mendOne(one, reach, result)));
  }
  return result;
}

async function mendOne(resource: StackResource, reach: Reach, { done, failed }: Mended): Promise<void> {
  const { kind, name, connection, outputs } = resource;
  const definition = definitions.find((one) => one.kind === kind);
  if (!definition) return;
  const { drift: _seen, ...inputs } = resource.inputs;
  const what = `${kind} ${name}`;
  try {
    await crud(definition, () => reach(connection)).update(outputs, inputs);
    done.push(what);
  } catch (error) {
    if (!(error instanceof LinuxnetError)) throw error;
    failed.push({ what, why: error.message });
  }
}

import { hostOf } from "./host/host.ts";
import type { Connection } from "./kernel/connection.ts";
import { type Crud, crud } from "./lifecycle/crud.ts";
import type { Definition } from "./lifecycle/definition.ts";
import { type Explaining, rehearsed } from "./lifecycle/rehearsal.ts";
import { definitions } from "./resources/index.ts";

type Bag = Record<string, unknown>;

/** A kind of resource in the words of Pulumi's dynamic providers. */
export interface DynamicProvider {
  check(olds: Bag, news: Bag): Promise<ReturnType<Crud["check"]>>;
  diff(id: string, olds: Bag, news: Bag): Promise<ReturnType<Crud["diff"]>>;
  create(inputs: Bag): ReturnType<Crud["create"]>;
  read(id: string, state: Bag): ReturnType<Crud["read"]>;
  update(id: string, olds: Bag, news: Bag): ReturnType<Crud["update"]>;
  delete(id: string, state: Bag): ReturnType<Crud["delete"]>;
}

/** The engine shows what its plugin writes to stderr. */
function warn(sentence: string): void {
  console.error(`warning: ${sentence}`);
}

/**
 * What the engine's plugin loads by the `__provider` string of a resource.
 *
 * @param kind the type's last part: `Bridge`
 * @throws Error for a kind that this version of the package does not have
 */
export function provider(kind: string): DynamicProvider {
  const definition = definitions.find((candidate) => candidate.kind === kind);
  if (!definition) throw new Error(`this version of pulumi-linuxnet has no resource ${kind}`);
  const operations = operationsOf(definition);
  return {
    check: async (olds, news) => operations.check(olds, news),
    diff: async (_id, olds, news) => operations.diff(olds, news),
    create: (inputs) => operations.create(inputs),
    read: (id, state) => operations.read(id, state),
    update: (_id, olds, news) => operations.update(olds, news),
    delete: (_id, state) => operations.delete(state),
  };
}

function operationsOf(definition: Definition): Crud {
  const explaining = process.env.LINUXNET_EXPLAIN;
  if (explaining) return rehearsed(definition, JSON.parse(explaining) as Explaining);
  return crud(definition, ({ connection }) => hostOf(connection as Connection | undefined), warn);
}

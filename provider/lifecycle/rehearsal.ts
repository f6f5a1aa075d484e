// The operations of a kind as the engine calls them in a rehearsal (`linuxnet explain`): the hosts are looked at, what would be
// done to them is done to copies of them, and told.
import { AsyncLocalStorage } from "node:async_hooks";
import { appendFileSync } from "node:fs";
import { type Host, hostOf, launchOf } from "../host/host.ts";
import { RehearsalHost, type Rehearsed } from "../host/rehearsal.ts";
import { type Step, sh } from "../kernel/command.ts";
import type { Connection } from "../kernel/connection.ts";
import { type Crud, crud } from "./crud.ts";
import type { Definition } from "./definition.ts";

type Bag = Record<string, unknown>;

/** What the environment variable LINUXNET_EXPLAIN says, as JSON. */
export interface Explaining {
  /** The file that is written to, a line of JSON for each {@link Told}. */
  file: string;
  /** In whose words rules are written; omitted: as the program says. */
  backend?: "nftables" | "iptables";
}

/** What is done to an object in one go. */
export interface Told {
  host: string;
  kind: string;
  /** Its owner, whose last part is its name in the program. */
  owner: string;
  operation: "create" | "update" | "delete" | "expect";
  steps: { what: string; command: Step["do"]; typed?: Step["typed"]; asked: string }[];
  /** What is expected, of an Expect. */
  inputs?: Bag;
}

/** What is under way: undefined while a copy is made to look as the host does. */
const underWay = new AsyncLocalStorage<Pick<Told, "kind" | "operation"> | undefined>();

const hosts = new Map<string, RehearsalHost>();

/** The copy of a host: one, however it is reached. */
function copyOf(connection: Connection | undefined, explaining: Explaining): Host {
  const { host, port, proxy } = connection ?? {};
  const key = JSON.stringify([host, port, proxy?.host]);
  const known = hosts.get(key);
  if (known) return known;
  const real = hostOf(connection);
  const witness = (done: readonly Rehearsed[], owner: string) => {
    const doing = underWay.getStore();
    if (doing) tell(explaining, { ...doing, host: real.name, owner, steps: done.map(toldStep) });
  };
  const copy = new RehearsalHost(real, launchOf(connection), {
    witness,
    withoutNft: explaining.backend === "iptables",
  });
  hosts.set(key, copy);
  return copy;
}

function toldStep({ step: { what, do: command, typed }, asked }: Rehearsed): Told["steps"][number] {
  if (!typed) return { what, command, asked };
  const { standIn: _program, ...told } = typed;
  return { what, command, typed: told, asked };
}

function tell({ file }: Explaining, told: Told): void {
  appendFileSync(file, `${JSON.stringify(told)}\n`, { mode: 0o600 });
}

/** The operations of a kind in a rehearsal. */
export function rehearsed(definition: Definition, explaining: Explaining): Crud {
  const connectionOf = ({ connection }: Bag) => connection as Connection | undefined;
  const real = crud(definition, (args) => hostOf(connectionOf(args)));
  if (definition.hostless) return real;
  if (definition.tried) return expecting(definition, explaining);
  const copy = crud(definition, (args) => copyOf(connectionOf(args), explaining));
  const doing = <T>(operation: Told["operation"], work: () => Promise<T>): Promise<T> =>
    underWay.run({ kind: definition.kind, operation }, work);
  return {
    ...copy,
    check: (olds, news) => copy.check(olds, inWordsOf(definition, explaining, news)),
    create: async (inputs) => {
      await standIn(inputs, copyOf(connectionOf(inputs), explaining));
      return doing("create", () => copy.create(inputs));
    },
    update: (olds, news) => doing("update", () => copy.update(olds, news)),
    delete: (state) => doing("delete", () => copy.delete(state)),
    read: (id, state) => looking(id, state, real, copy, (inputs) => copyOf(connectionOf(inputs), explaining)),
  };
}

/** Looks at the host itself, and makes the copy look as it does. */
async function looking(
  id: string,
  state: Bag,
  real: Crud,
  copy: Crud,
  hostFor: (inputs: Bag) => Host,
): ReturnType<Crud["read"]> {
  const found = await real.read(id, state);
  if (found.id === "") return found;
  const { drift: _told, ...inputs } = found.inputs ?? {};
  await standIn(inputs, hostFor(inputs));
  await underWay.run(undefined, () => copy.create(inputs));
  return found;
}

/** Rules that a program leaves to the host are written as the reader wants them. */
function inWordsOf({ fields }: Definition, { backend }: Explaining, news: Bag): Bag {
  return backend === undefined || !("backend" in fields) ? news : { ...news, backend };
}

/** What must hold is not tried where nothing runs: it is only told. */
function expecting(definition: Definition, explaining: Explaining): Crud {
  const worked = crud({ ...definition, hostless: true }, () => hostOf(undefined));
  const told = (inputs: Bag) => {
    const { owner, connection } = inputs;
    const host = hostOf(connection as Connection | undefined).name;
    tell(explaining, { host, kind: definition.kind, owner: `${owner}`, operation: "expect", steps: [], inputs });
  };
  return {
    ...worked,
    create: async (inputs) => {
      told(inputs);
      return worked.create(inputs);
    },
    update: async (olds, news) => {
      told(news);
      return worked.update(olds, news);
    },
  };
}

/** A process whose namespace gets a name has one of its number in the copy: it must not be its own namespace that is changed. */
async function standIn({ pid, owner }: Bag, copy: Host): Promise<void> {
  if (typeof pid !== "number") return;
  const text = [
    `[ ! -e /proc/${pid} ] || exit 0`,
    `echo ${pid - 1} >/proc/sys/kernel/ns_last_pid`,
    "unshare --net sleep infinity </dev/null >/dev/null 2>&1 9>&- &",
    `[ $! = ${pid} ]`,
    `round=0; while [ "$(readlink /proc/${pid}/ns/net)" = "$(readlink /proc/self/ns/net)" ] && [ $round -lt 100 ]; do round=$((round + 1)); sleep 0.02; done`,
  ].join("\n");
  const step = { what: `have a process ${pid}`, do: sh(text) };
  await underWay.run(undefined, () => copy.apply([step], { owner: `${owner}`, onFailure: "go-on" }, {}));
}

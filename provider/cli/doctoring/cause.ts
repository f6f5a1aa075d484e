import type { StackResource } from "../stack.ts";
import type { Seen } from "../standing.ts";
import type { Topology } from "../topology/model.ts";
import type { HostSeen } from "./seen.ts";

/** What was seen, and where: the very value, rule or line. */
export interface Evidence {
  /** A file, a chain, a command that shows it. */
  where: string;
  seen: string;
}

/** One fault that was found. */
export interface Finding {
  /** What is wrong, in a sentence. */
  says: string;
  evidence: Evidence[];
  /** A command to run on the host, or a change of the program. */
  remedy: string;
  /** What does not work because of it, as {@link thing} writes it. */
  breaks: string[];
  /** What has to work for it to be a fault of its own: when that is broken, it is a consequence. */
  needs?: string[];
  /** The objects of the stack that it is about: they are not told again as drifted. */
  urns?: string[];
}

/** All that is known of one host when causes are looked for. */
export interface Scene {
  /** The host in words. */
  host: string;
  /** What the stack declares of this host; empty without a stack. */
  topology: Topology;
  /** The resources of the stack on this host, with the parts of Labs. */
  resources: readonly StackResource[];
  /** How they stand. */
  standing: readonly Seen[];
  seen: HostSeen;
}

/** A known cause: what it looks at, and how it is recognised. */
export interface Cause {
  /** Its name for scripts: `forwarding-off`. */
  name: string;
  /** What it looks at, for the table in docs/cli.md. */
  looksAt: string;
  /** The faults of this kind; pure. */
  find(scene: Scene): Finding[];
}

/** The things that faults break and others need, each a word. */
export const thing = {
  netns: (netns: string | undefined) => `namespace ${netns ?? ""}`,
  link: (netns: string | undefined, link: string) => `link ${netns ?? ""}/${link}`,
  /** That a place has its addresses. */
  addresses: (netns: string | undefined) => `addresses of ${netns ?? ""}`,
  /** Our nftables table, or our chains of iptables. */
  rules: "rules",
  /** What is forwarded from one link to another. */
  forwarding: "forwarding",
  /** The way out of the host. */
  uplink: "uplink",
  publish: (protocol: string, port: number) => `publish ${protocol}/${port}`,
  program: (owner: string) => `program ${owner}`,
  tool: (tool: string) => `tool ${tool}`,
} as const;

/** What one pulumi command mends: an object of the stack that is not as declared. */
export const upRemedy = "pulumi up --refresh (or: linuxnet doctor --fix)";

/** The objects of a kind, with how they stand. */
export function standingOf({ standing }: Scene, ...kinds: string[]): Seen[] {
  return standing.filter(({ resource }) => kinds.includes(resource.kind));
}

/** The resource of a kind that passes a test. */
export function declared(
  { resources }: Scene,
  kind: string,
  test: (outputs: Record<string, unknown>) => boolean,
): StackResource | undefined {
  return resources.find((one) => one.kind === kind && test(one.outputs));
}

/** What a resource says of a firewall of others that is in its way. */
export const stoppedNote = / is stopped by /;

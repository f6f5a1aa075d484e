import type { Connection } from "../../kernel/connection.ts";
import type { IptablesSeen } from "../../kernel/iptables-save.ts";
import type { SeenElement } from "../../kernel/nft.ts";
import type { ListedChain, TraceEvent } from "../../kernel/nft-trace.ts";
import type { Packet } from "../../kernel/packet.ts";
import type { Sent, Tracer } from "../../kernel/tracer.ts";

/** A network namespace in which is looked for the packet: a host's own, or a container's. */
export interface Spot {
  /** What it is called: `host`, or the container's name. */
  name: string;
  connection: Connection | undefined;
  /** The words that enter it; ends with a blank, or is empty: a host's own. */
  enter: string;
  /** Whether it is a host's own. */
  own: boolean;
}

/** A packet that is to be followed. */
export interface Journey {
  /** What was asked for, in words. */
  from: string;
  to: string;
  /** Where it is sent. */
  sender: Spot;
  /** Where it should come to; undefined: somewhere that is not looked into. */
  target: Spot | undefined;
  tracer: Tracer;
  /** Where is looked; the sender and the target are among them, if they can be. */
  spots: Spot[];
}

/** Which way a packet goes: with the one that was sent, or with what answers it. */
export type Way = "there" | "back";

/** A packet that was seen on a link. */
export interface Capture {
  /** Number of the spot. */
  spot: number;
  /** Microseconds since 1970. */
  at: number;
  link: string;
  /** Into the spot's kernel, or out of it. */
  io: "in" | "out";
  packet: Packet;
}

/** What nft's trace told in one spot. */
export interface Traced extends TraceEvent {
  spot: number;
}

/** All that was seen of one packet. */
export interface Observation {
  sent: Sent;
  captures: Capture[];
  traced: Traced[];
  /** The lines of conntrack, of each host. */
  connections: string[];
  /** What could not be seen, a sentence each. */
  unseen: string[];
  /** What stands in each spot, to tell whose a rule is. */
  rules: Ruled[];
}

/** The rules of a spot. */
export interface Ruled {
  listed: ListedChain[];
  iptables: IptablesSeen;
  /** The elements of our own table. */
  elements: SeenElement[];
}

/** Addresses and ports as they stand at one moment. */
export interface Tuple {
  source: string;
  destination: string;
  sourcePort?: number | undefined;
  destinationPort?: number | undefined;
}

/** A rule that a packet met. */
export interface MetRule {
  /** Whose rules these are: `iptables`, or `nftables`. */
  by: "iptables" | "nftables";
  family: string;
  table: string;
  chain: string;
  /** What it says; of a policy what that is. */
  text: string;
  /** nft's handle; undefined of a policy. */
  handle: number | undefined;
  verdict: string;
  /** The objects of ours that it is there for, by their owners. */
  owners: string[];
  /** What is known to make chains of this name, where it is not ours: `ufw`. */
  maker: string | undefined;
}

/** One step of a packet's way. */
export interface Step {
  way: Way;
  /** The spot's name. */
  place: string;
  what: "sent" | "seen" | "changed" | "dropped" | "passed";
  /** Where it was seen. */
  link?: string;
  io?: "in" | "out";
  /** The packet as it stands after this step. */
  tuple: Tuple;
  /** What kind of packet it is: `syn`, `echo request`. */
  kind?: string;
  /** What it was before it was changed. */
  before?: Tuple;
  /** What changed, dropped or passed it; undefined: the kernel, for a connection that it knows. */
  rule?: MetRule;
}

/** What came of it. */
export interface Story {
  from: string;
  to: string;
  protocol: string;
  reached: boolean;
  /** Where it ended and why, or that it got there: a sentence. */
  verdict: string;
  /** The place and the rule at which it ended. */
  end?: { place: string; link?: string | undefined; rule?: MetRule | undefined };
  steps: Step[];
  connections: string[];
  unseen: string[];
}

import type { TracedPacket } from "../../kernel/nft-trace.ts";
import { kindOf, sameTuple, tupleOf } from "./flow.ts";
import type { Happening, Pass } from "./merge.ts";
import type { Journey, MetRule, Ruled, Step, Traced, Tuple, Way } from "./model.ts";
import { type Meeting, metRule } from "./rules.ts";

/** What a rule says that changes addresses or ports: nft's statements, and the targets of iptables. */
const rewriting =
  /\b(dnat|snat|masquerade|redirect|netmap)\b|[sd](addr|port) set |xt target|-j (DNAT|SNAT|MASQUERADE|REDIRECT|NETMAP)\b/;

/** Whether a rule changes packets; that it asks for `ct status dnat` does not mean that. */
function rewrites(...texts: readonly (string | undefined)[]): boolean {
  return texts.some((text) => rewriting.test((text ?? "").replaceAll(/ct status \S+/g, "")));
}

/** Walks along what happened, and writes a step for each link that was passed, each change, and each rule that let the packet through or did not. */
export class Path {
  readonly steps: Step[] = [];
  readonly #spots: Journey["spots"];
  readonly #rules: readonly Ruled[];
  #current: { way: Way; tuple: Tuple } | undefined;
  /** The last rule that may have changed the packet, and where. */
  #changer: { spot: number; rule: MetRule } | undefined;

  constructor(spots: Journey["spots"], rules: readonly Ruled[]) {
    this.#spots = spots;
    this.#rules = rules;
  }

  /** Takes what happened next. */
  take(happening: Happening): void {
    if ("pass" in happening) {
      this.#pass(happening.pass);
      return;
    }
    const { way, capture } = happening;
    const { spot, link, io, packet } = capture;
    this.#observe(way, spot, tupleOf(packet));
    this.steps.push({
      way,
      place: this.#name(spot),
      what: "seen",
      link,
      io,
      tuple: tupleOf(packet),
      kind: kindOf(packet),
    });
    if (io === "out") this.#changer = undefined;
  }

  #name(spot: number): string {
    return this.#spots[spot]?.name ?? "";
  }

  #pass({ spot, way, events }: Pass): void {
    let packet: Meeting["packet"];
    let callers: Traced[] = [];
    for (const [index, event] of events.entries()) {
      if (event.packet) {
        packet = event.packet;
        // A packet is told when the first rule has matched, and as that has left it.
        this.#changedBy(events[index + 1], { packet, callers: [] });
        this.#begin(way, spot, event.packet);
        this.#observe(way, spot, tupleOf(event.packet));
      }
      if (event.table.startsWith("linuxnet-trace-")) continue;
      callers = leadingTo(event, callers);
      this.#meet(way, { event, packet, callers });
      if (/^(jump|goto) /.test(event.verdict ?? "")) callers = [event, ...callers];
    }
  }

  /** What a host sends itself is seen on no link before its rules have looked at it. */
  #begin(way: Way, spot: number, packet: TracedPacket): void {
    if (this.#current?.way === way || packet.in !== undefined) return;
    this.steps.push({ way, place: this.#name(spot), what: "sent", tuple: tupleOf(packet) });
  }

  #changedBy(event: Traced | undefined, { packet, callers }: Omit<Meeting, "event">): void {
    if (!event?.rule || event.table.startsWith("linuxnet-trace-")) return;
    const rule = metRule({ event, packet, callers }, this.#rules[event.spot]);
    if (/[sd](addr|port) set /.test(rule.text)) this.#changer = { spot: event.spot, rule };
  }

  #meet(way: Way, meeting: Meeting): void {
    const { event } = meeting;
    if (!event.rule && !event.policy) return;
    const rule = metRule(meeting, this.#rules[event.spot]);
    if (rewrites(rule.text, event.rule?.text)) this.#changer = { spot: event.spot, rule };
    const what = event.verdict === "drop" ? "dropped" : "passed";
    const tuple = this.#current?.tuple ?? { source: "", destination: "" };
    this.steps.push({ way, place: this.#name(event.spot), what, tuple, rule });
  }

  /** Where the packet is not what it was, it was changed: by the last rule that can have, or by what the kernel knows of the connection. */
  #observe(way: Way, spot: number, tuple: Tuple): void {
    const before = this.#current?.way === way ? this.#current.tuple : undefined;
    this.#current = { way, tuple };
    if (!before || comparable(before, tuple) || sameTuple(before, tuple)) return;
    const rule = this.#changer?.spot === spot ? this.#changer.rule : undefined;
    this.#changer = undefined;
    const place = this.#name(spot);
    let from = before;
    for (const to of changes(before, tuple, rule?.text ?? "")) {
      this.steps.push({
        way,
        place,
        what: "changed",
        before: from,
        tuple: to.tuple,
        ...(rule && to.ruled && { rule }),
      });
      from = to.tuple;
    }
  }
}

/** A rule that sets one of the two addresses has not changed the other: that was the kernel, for the connection. */
function changes(before: Tuple, after: Tuple, text: string): { tuple: Tuple; ruled: boolean }[] {
  const sets = /\b([sd])addr set /.exec(text)?.[1];
  const other = sets === "d" ? { ...after, destination: before.destination } : { ...after, source: before.source };
  if (sets === undefined || sameTuple(other, before)) return [{ tuple: after, ruled: true }];
  if (sameTuple(other, after)) return [{ tuple: after, ruled: false }];
  return [
    { tuple: other, ruled: false },
    { tuple: after, ruled: true },
  ];
}

/** Whether two differ only because one of them tells no ports: an ICMP error, or a trace without them. */
function comparable(one: Tuple, other: Tuple): boolean {
  const bare = ({ source, destination }: Tuple) => ({ source, destination });
  return (one.sourcePort === undefined) !== (other.sourcePort === undefined) && sameTuple(bare(one), bare(other));
}

/** The rules that led to where an event is: the innermost jumped into its chain. */
function leadingTo({ chain }: Traced, callers: readonly Traced[]): Traced[] {
  const at = callers.findIndex(({ verdict }) => verdict?.split(" ")[1] === chain);
  return at < 0 ? [] : callers.slice(at);
}

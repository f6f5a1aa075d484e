import type { Flow } from "./flow.ts";
import { sameTuple, tupleText } from "./flow.ts";
import type { Capture, Journey, Observation, Spot, Traced, Way } from "./model.ts";

/** What one spot's rules did with a packet between one link and the next. */
export interface Pass {
  spot: number;
  way: Way;
  events: Traced[];
}

/** What happened, in the order in which it did. */
export type Happening = { capture: Capture; way: Way } | { pass: Pass };

/**
 * The hosts of spots in the order in which a packet comes to them: a number for each spot. The clocks of two hosts differ by more than
 * a packet takes. All the same where that order is not known: one host, or a way that leads back to the first one.
 */
export function hostOrder({ spots, sender, target }: Pick<Journey, "spots" | "sender" | "target">): number[] {
  const host = ({ connection }: Spot) => connection?.host ?? "";
  const [first, ...last] = [sender, ...(target ? [target] : [])].map(host);
  if (last.includes(first ?? "")) return spots.map(() => 0);
  const between = spots.map(host).filter((one) => !last.includes(one));
  const order = [...new Set([first, ...between, ...last])];
  return spots.map((one) => order.indexOf(host(one)));
}

/**
 * Puts what was captured and what nft's trace told into one order. Captures have a time; a pass has none, but tells the links that
 * the packet came in by and goes out by: it stands right behind the one, or right before the other.
 * @param order the number of each spot's host, as {@link hostOrder} tells it
 */
export function merged(
  { captures, traced }: Pick<Observation, "captures" | "traced">,
  flow: Flow,
  order: readonly number[],
): Happening[] {
  const sights = firstSights(captures, flow);
  const passes = passesOf(traced, flow);
  return (["there", "back"] as const).flatMap((way) => {
    const turn = way === "there" ? 1 : -1;
    const at = ({ capture: { spot } }: { capture: Capture }) => turn * (order[spot] ?? 0);
    const own = sights.filter((one) => one.way === way).toSorted((one, other) => at(one) - at(other));
    const list: Happening[] = own.map((one) => ({ ...one }));
    for (const pass of passes.filter((one) => one.way === way)) list.splice(placeOf(pass, list), 0, { pass });
    return list;
  });
}

/** Each packet once: what is sent again, because nothing answered, was seen before. */
function firstSights(captures: readonly Capture[], flow: Flow): { capture: Capture; way: Way }[] {
  const known = new Set<string>();
  return captures
    .toSorted((one, other) => one.at - other.at)
    .flatMap((capture) => {
      const way = flow.way(capture.packet);
      const key = [way, capture.spot, capture.link, capture.io, tupleText(capture.packet)].join(" ");
      if (way === undefined || known.has(key)) return [];
      known.add(key);
      return [{ capture, way }];
    });
}

/** Cuts the trace where a packet begins its way through a spot, each way once. */
function passesOf(traced: readonly Traced[], flow: Flow): Pass[] {
  const runs: Traced[][] = [];
  for (const own of Map.groupBy(traced, ({ spot, id }) => `${spot} ${id}`).values()) {
    let last: Traced | undefined;
    for (const event of own) {
      // A packet on `lo` goes out, and comes in again as the same one.
      const again = event.packet?.in && !event.packet.out && last?.packet?.out;
      if (!last || again) runs.push([]);
      runs.at(-1)?.push(event);
      if (!last || event.packet) last = event;
    }
  }
  const known = new Set<string>();
  return runs.flatMap((events) => {
    const first = events.find(({ packet }) => packet)?.packet;
    const way = first && flow.tracedWay(first);
    const spot = events[0]?.spot ?? 0;
    const where = `${events[0]?.table} ${events[0]?.chain}`;
    const key = first ? [spot, way, where, first.in, first.out, tupleText(first)].join(" ") : "";
    if (way === undefined || known.has(key)) return [];
    known.add(key);
    return [{ spot, way, events }];
  });
}

function placeOf({ spot, events }: Pass, list: readonly Happening[]): number {
  const packets = events.flatMap(({ packet }) => packet ?? []);
  const [first, last] = [packets[0], packets.at(-1)];
  const at = (io: "in" | "out", link: string | undefined, tuple: typeof first) =>
    list.findIndex(
      (one) =>
        "capture" in one &&
        one.capture.spot === spot &&
        one.capture.io === io &&
        (link === undefined || one.capture.link === link) &&
        (tuple === undefined || sameTuple(ported(one.capture.packet), ported(tuple))),
    );
  if (first?.in !== undefined) {
    // What a bridge passes on is looked at as if the bridge had taken it in, and is seen on its port only.
    const found = [at("in", first.in, first), at("in", undefined, first), at("in", first.in, undefined)].find(
      (one) => one >= 0,
    );
    return found === undefined ? list.length : behindPasses(found + 1, list);
  }
  const found = [at("out", last?.out, undefined), at("out", undefined, undefined)].find((one) => one >= 0);
  return found ?? 0;
}

/** Behind the passes that stand there already: they came before. */
function behindPasses(at: number, list: readonly Happening[]): number {
  const next = list.findIndex((one, index) => index >= at && "capture" in one);
  return next < 0 ? list.length : next;
}

/** Without what a packet of ICMP lacks in one of the two. */
function ported<T extends { source: string; destination: string }>({ source, destination }: T) {
  return { source, destination };
}

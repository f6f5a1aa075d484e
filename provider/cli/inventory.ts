import { z } from "zod";
import type { Host } from "../host/host.ts";
import type { Family } from "../kernel/addresses.ts";
import { type Fact, type Facts, sh } from "../kernel/command.ts";
import { type IptablesSeen, iptablesFact } from "../kernel/iptables-save.ts";
import { type Link, linksFact } from "../kernel/links.ts";
import { type SeenTable, tableFact } from "../kernel/nft.ts";
import { isOwner, ownerKey, readOwner } from "../kernel/owner.ts";
import { quote, quoteAll } from "../kernel/quote.ts";
import { runDir } from "../kernel/run-dir.ts";

/** What an object of ours is on a host. */
export type Thing =
  | { what: "namespace"; name: string; adopted: boolean }
  | { what: "link"; link: Link; netns: string | undefined; adopted: boolean }
  | { what: "nftables" | "iptables" | "forwarding"; netns: string | undefined; text: string }
  | { what: "file"; netns: string; path: string; adopted: boolean }
  | { what: "program"; key: string; pid: number | undefined; unit: string | undefined }
  | { what: "note"; path: string };

/** An object of ours: what it is, and the owner that it carries. */
export type Owned = Thing & { owner: string };

/** The namespaces that have a name here. */
const namesFact: Fact<string[]> = {
  command: sh("ls /run/netns 2>/dev/null || :"),
  parse: ({ stdout }) => stdout.split("\n").filter(Boolean),
};

/** Prints every file of ours with its first line, which names the owner; of a program its pid and unit too. */
const notesText = `
show() { for f in "$@"; do [ ! -f "$f" ] || { IFS= read -r line <"$f" || :; printf '%s\\t%s\\n' "$f" "$line"; }; done; }
show ${runDir}/netns/* ${runDir}/adopted/* ${runDir}/process/*/owner ${runDir}/process/*/pid ${runDir}/process/*/unit
for d in ${runDir}/forward ${runDir}/forward.*; do show "$d"/*; done
for d in ${runDir}/dns/*; do [ ! -d "$d" ] || printf '%s\\t\\n' "$d"; done
show /etc/netns/*/*
:`;

const notesFact: Fact<[string, string][]> = {
  command: sh(notesText),
  parse: ({ stdout }) =>
    stdout.split("\n").flatMap((line): [string, string][] => {
      const [path = "", text = ""] = line.split("\t");
      return path === "" ? [] : [[path, text]];
    }),
};

/** How many namespaces are looked through in one question: each takes about 10 ms. */
const atOnce = 100;

/** Which of some namespaces hold rules of ours: most hold none, and are not listed then. */
function ruledFact(names: readonly string[]): Fact<string[]> {
  const look = [
    "nft list table inet linuxnet >/dev/null 2>&1 ||",
    "{ iptables-save; ip6tables-save; } 2>/dev/null | grep -q 'linuxnet:'",
  ].join(" ");
  const each = `! limit nsenter --net="/run/netns/$n" sh -c ${quote(look)} || echo "$n"`;
  return {
    command: sh(`for n in ${quoteAll(names)}; do ${each}; done 2>/dev/null\n:`),
    parse: ({ stdout }) => stdout.split("\n").filter(Boolean),
  };
}

/** All that carries an owner of ours on a host: nothing of it is changed. */
export async function inventory(host: Host): Promise<Owned[]> {
  const { names, notes } = await host.observe({ names: namesFact, notes: notesFact });
  const places = [undefined, ...names];
  const links: Facts = Object.fromEntries(places.map((netns, index) => [`links${index}`, linksFact(netns)]));
  const chunks = Array.from({ length: Math.ceil(names.length / atOnce) }, (_, index) =>
    names.slice(index * atOnce, (index + 1) * atOnce),
  );
  const seen = await host.observe({
    ...links,
    ...Object.fromEntries(chunks.map((chunk, index) => [`ruled${index}`, ruledFact(chunk)])),
  });
  const ruled = chunks.flatMap((_, index) => seen[`ruled${index}`] as string[]);
  return [
    ...places.flatMap((netns, index) => ofLinks(seen[`links${index}`] as Link[], netns)),
    ...(await rulesOf(host, [undefined, ...ruled])),
    ...ofNotes(notes),
  ];
}

async function rulesOf(host: Host, places: readonly (string | undefined)[]): Promise<Owned[]> {
  const facts: Facts = Object.fromEntries(
    places.flatMap((netns, index) => [
      [`table${index}`, tableFact(netns)],
      [`rules4${index}`, iptablesFact(4, netns)],
      [`rules6${index}`, iptablesFact(6, netns)],
    ]),
  );
  const seen = await host.observe(facts);
  return places.flatMap((netns, index) => [
    ...ofTable(seen[`table${index}`] as SeenTable, netns),
    ...([4, 6] as const).flatMap((family) => ofRules(seen[`rules${family}${index}`] as IptablesSeen, family, netns)),
  ]);
}

function ofLinks(links: readonly Link[], netns: string | undefined): Owned[] {
  return links.flatMap((link): Owned[] => {
    if (!link.alias || !isOwner(link.alias)) return [];
    const { owner, adopted } = readOwner(link.alias);
    if (link.name !== "lo") return [{ what: "link", link, netns, adopted, owner }];
    return netns === undefined ? [] : [{ what: "namespace", name: netns, adopted, owner }];
  });
}

function ofTable({ elements, rules }: SeenTable, netns: string | undefined): Owned[] {
  const all = [
    ...elements.map(({ set, key, value, comment }) => ({
      comment,
      text: `${set}: ${key}${value ? ` : ${value}` : ""}`,
    })),
    ...rules.map(({ chain, comment }) => ({ comment, text: `a rule in ${chain}` })),
  ];
  return all.flatMap(({ comment, text }): Owned[] =>
    isOwner(comment) ? [{ what: "nftables", netns, text, owner: comment.split(" ")[0] ?? "" }] : [],
  );
}

function ofRules({ rules }: IptablesSeen, family: Family, netns: string | undefined): Owned[] {
  return rules.flatMap(({ mark, table, chain }): Owned[] => {
    const text = `a rule in ${table} ${chain}${family === 6 ? " (IPv6)" : ""}`;
    return mark ? [{ what: "iptables", netns, text, owner: mark.owner }] : [];
  });
}

/** What the files say that no kernel object can carry. */
function ofNotes(notes: readonly [string, string][]): Owned[] {
  const programs = new Map<string, Record<string, string>>();
  const found = notes.flatMap(([path, text]): Owned[] => {
    const [, key = "", file = ""] = /^\/run\/linuxnet\/process\/([^/]+)\/(\w+)$/.exec(path) ?? [];
    if (key) programs.set(key, { ...programs.get(key), [file]: text });
    return key ? [] : ofNote(path, text);
  });
  const running = [...programs].flatMap(([key, { owner: line = "", pid, unit }]): Owned[] => {
    const owner = line.split(" ")[0] ?? "";
    if (!isOwner(owner)) return [];
    return [{ what: "program", key, pid: pid ? Number.parseInt(pid, 10) : undefined, unit: unit || undefined, owner }];
  });
  const keys = new Map([...found, ...running].map(({ owner }) => [ownerKey(owner), owner]));
  const resolvers = notes.flatMap(([path]): Owned[] => {
    const owner = path.startsWith(`${runDir}/dns/`) ? keys.get(path.split("/").at(-1) ?? "") : undefined;
    return owner ? [{ what: "note", path, owner }] : [];
  });
  return [...found, ...running, ...resolvers];
}

const adoptedShape = z.looseObject({ owner: z.string() });

function ofNote(path: string, text: string): Owned[] {
  const named = readOwner(/linuxnet:\S+/.exec(text)?.[0] ?? "");
  const netns = /^\/run\/linuxnet\/forward\.([^/]+)\//.exec(path)?.[1];
  if (path.startsWith("/etc/netns/")) {
    const inside = path.split("/")[3] ?? "";
    return /^# linuxnet:/.test(text) ? [{ what: "file", netns: inside, path, ...named }] : [];
  }
  if (path.startsWith(`${runDir}/adopted/`)) {
    try {
      const { owner } = adoptedShape.parse(JSON.parse(text));
      return isOwner(owner) ? [{ what: "note", path, owner: readOwner(owner).owner }] : [];
    } catch {
      return [];
    }
  }
  const owner = text.split(" ")[0] ?? "";
  if (!isOwner(owner)) return [];
  if (path.startsWith(`${runDir}/netns/`)) return [{ what: "namespace", name: path.slice(18), ...readOwner(owner) }];
  return [{ what: "forwarding", netns, text: "IP forwarding is noted as needed", owner }];
}

/** The parts of an owner (`linuxnet:PROJECT/STACK/KIND/NAME@WHO`). */
export function ownerParts(owner: string): { project: string; stack: string; kind: string; name: string; who: string } {
  const [, whole = "", who = ""] = /^linuxnet:(.*?)(?:@([0-9a-f]{8}))?$/.exec(owner) ?? [];
  const [project = "", stack = "", kind = "", ...name] = whole.split("/");
  return { project, stack, kind, name: name.join("/"), who };
}

/** Where an object is and what it is called, in words. */
export function inWords(thing: Owned): string {
  const inside = (netns: string | undefined) => (netns === undefined ? "" : ` in ${netns}`);
  switch (thing.what) {
    case "namespace":
      return `namespace ${thing.name}`;
    case "link":
      return `${thing.link.kind ?? "link"} ${thing.link.name}${inside(thing.netns)}`;
    case "file":
    case "note":
      return thing.path;
    case "program":
      return `program${thing.pid === undefined ? "" : ` (pid ${thing.pid})`}${thing.unit ? ` ${thing.unit}` : ""}`;
    case "forwarding":
      return `${thing.text}${inside(thing.netns)}`;
    default:
      return `${thing.what}${inside(thing.netns)}: ${thing.text}`;
  }
}

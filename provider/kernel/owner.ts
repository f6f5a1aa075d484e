import { createHash } from "node:crypto";

/** Every owner begins with this, so that what is ours can be told from what is not. */
export const ownerPrefix = "linuxnet:";

/** How long an owner may be, in bytes: a comment of nft ends at 128 (libnftnl), and rules add a fingerprint. */
export const ownerLimit = 100;

/** What an object that was taken over carries behind its owner: it is released, not deleted. */
const adoptedMark = "+adopted";

/** How what stands on the host relates to a resource. */
export type Standing = "absent" | "ours" | "adopted" | "unowned" | "foreign";

/** What to do about the name of an object that another resource owns: it is never taken over. */
export const removeOther = "Choose another name, or remove the other resource first.";

/** Hex digits of a SHA-256, for names and fingerprints. */
export function shortHash(text: string, digits = 8): string {
  return createHash("sha256").update(text).digest("hex").slice(0, digits);
}

/** A short, stable file name for an owner. */
export function ownerKey(owner: string): string {
  return shortHash(owner, 16);
}

/**
 * The owner of a resource, as the program knows it: `linuxnet:PROJECT/STACK/KIND/NAME`, without blanks, at most 91 bytes,
 * so that `@` and the eight digits of who runs it fit behind. Long or odd parts end in a hash of the whole.
 * @example ownerOf("shop", "dev", "Bridge", "lab0") // "linuxnet:shop/dev/Bridge/lab0"
 */
export function ownerOf(project: string, stack: string, kind: string, name: string): string {
  const whole = [project, stack, kind, name].join("/");
  const plain = [part(project, 20), part(stack, 20), kind, part(name, 24)].join("/");
  return `${ownerPrefix}${plain === whole ? plain : `${plain.slice(0, 72)}~${shortHash(whole)}`}`;
}

/**
 * The owner of a part of a resource that is made of several objects: the resource's own, the part behind it, and the same
 * seal. At most {@link ownerLimit} bytes: a long one ends in a hash of the whole.
 * @example partOwner("linuxnet:shop/dev/Lab/big@1a2b3c4d", "web/eth0") // "linuxnet:shop/dev/Lab/big/web/eth0@1a2b3c4d"
 */
export function partOwner(owner: string, name: string): string {
  const [, base = "", seal = ""] = /^(.*?)(@[0-9a-f]{8})?$/.exec(owner) ?? [];
  const whole = `${base}/${name}`;
  const plain = whole.replaceAll(/[^A-Za-z0-9_.:/~-]/g, "_");
  const fits = plain === whole && plain.length + 9 <= ownerLimit;
  return `${fits ? plain : `${plain.slice(0, 82)}~${shortHash(whole)}`}${seal}`;
}

function part(text: string, limit: number): string {
  return text.replaceAll(/[^A-Za-z0-9_.-]/g, "_").slice(0, limit);
}

/** The owner as it stands on an object: plain, or with the mark of one that was taken over. */
export function ownerText(owner: string, adopted: boolean): string {
  return adopted ? `${owner}${adoptedMark}` : owner;
}

/** Whether a text that an object carries is an owner of this package. */
export function isOwner(text: string | undefined): boolean {
  return text?.startsWith(ownerPrefix) ?? false;
}

/** Reads an owner's text: who it is, and whether the object was taken over. */
export function readOwner(text: string): { owner: string; adopted: boolean } {
  const adopted = text.endsWith(adoptedMark);
  return { owner: adopted ? text.slice(0, -adoptedMark.length) : text, adopted };
}

/**
 * Whether two owners are resources of one program in one person's hands: the same project and stack, and the same WHO behind `@`.
 * @example sameProgram("linuxnet:shop/dev/Bridge/a@1f", "linuxnet:shop/dev/VethPair/b@1f") // true
 */
export function sameProgram(one: string, other: string): boolean {
  const program = (text: string) => {
    const { owner } = readOwner(text);
    return [...owner.split("/").slice(0, 2), owner.split("@")[1]].join("/");
  };
  return program(one) === program(other);
}

/** Who an object may belong to for a resource to treat it as its own. */
export interface Claimant {
  owner: string;
  /** The owner under which it was made, when the resource has been renamed since. */
  former?: string | undefined;
  /** Objects that a script of ours was about to make when it was cut off (`link:lab0`). */
  claims: ReadonlySet<string>;
}

/** A link that is being made, until it carries its owner: what a script notes on the host. A link in a namespace is another one. */
export function linkClaim(name: string, netns = ""): string {
  return `link:${netns && `${netns}/`}${name}`;
}

/** Decides what an existing object is to a resource, from the text that it carries. */
export function standing(carried: string | undefined, claim: string, who: Claimant): Standing {
  if (!carried) return who.claims.has(claim) ? "ours" : "unowned";
  const { owner, adopted } = readOwner(carried);
  if (owner === who.owner || owner === who.former) return adopted ? "adopted" : "ours";
  return isOwner(carried) ? "foreign" : "unowned";
}

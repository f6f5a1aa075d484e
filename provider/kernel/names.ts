import { shortHash } from "./owner.ts";

/**
 * A name for a link or namespace that is readable, at most 15 bytes, and the same on every run.
 *
 * @param scope what makes it differ from the same name elsewhere: project, stack
 * @param name what is named, as the user knows it
 * @param end what of it, where it has several (`0`, `1` for the links of a container)
 * @param digits hex digits of the hash, 6 to 12: the more, the less is readable
 */
export function derivedName(scope: readonly string[], name: string, end = "", digits = 6): string {
  const readable = name
    .replaceAll(/[^A-Za-z0-9_.-]/g, "")
    .replace(/^[.-]+/, "")
    .slice(0, 14 - digits);
  return `${readable || "net"}-${shortHash([...scope, name, end].join("\n"), digits)}`;
}

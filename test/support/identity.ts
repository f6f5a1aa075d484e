import type { Machine } from "./machine.ts";

/** What tells something from another of its name that was made anew. */
export type Identities = Record<string, string>;

// SO_NETNS_COOKIE of socket(7): the inode of a namespace that is gone is given to the next one.
const cookie = "import socket as s; print(int.from_bytes(s.socket().getsockopt(s.SOL_SOCKET, 71, 8), 'little'))";

const look = `
links() { ip -o link | sed -nE "/^1:/d; s|^([0-9]+): ([^:@]+).*|link $1\\2 $2\\1|p"; }
links
for name in $(ls /run/netns 2>/dev/null); do
  cookie=$(nsenter --net=/run/netns/$name python3 -ISc "${cookie}")
  echo "netns $name $cookie"
  nsenter --net=/run/netns/$name bash -c "$(declare -f links); links $name/ $cookie/"
done
for born in /run/linuxnet/process/*/pid; do
  [ ! -e "$born" ] || echo "process $(basename $(dirname $born)) $(cut -d ' ' -f 1 $born)"
done`;

/** Of all that has one in a machine: `link lab0` its ifindex, `netns lab-ct1` its cookie, `process 1f...` its pid. */
export async function identities(machine: Machine): Promise<Identities> {
  const lines = (await machine.sh(look)).split("\n");
  return Object.fromEntries(lines.map((line) => [line.replace(/ \S+$/, ""), line.split(" ").at(-1) ?? ""]));
}

/** What was made anew, came or went between two looks. */
export function differing(before: Identities, after: Identities): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]).toSorted();
}

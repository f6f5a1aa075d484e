/** A link of a host on paper. */
export interface PaperLink {
  ifname: string;
  ifindex: number;
  address: string;
  mtu: number;
  up: boolean;
  kind: string;
  addresses: string[];
  alias?: string | undefined;
  master?: string | undefined;
  /** The other end of a cable. */
  peer?: PaperLink;
  netns: string;
  hairpin: boolean;
}

/** Does what `ip link set dev NAME` does with these words. */
export function setLink(link: PaperLink, words: readonly string[]): void {
  const [word, value] = words;
  if (word === "up" || word === "down") link.up = word === "up";
  else if (word === "nomaster") link.master = undefined;
  else if (word === "alias" || word === "master" || word === "address") link[word] = value ?? "";
  else if (word === "mtu") link.mtu = Number(value);
  else if (words.includes("hairpin")) link.hairpin = words.at(-1) === "on";
}

/** A link as `ip -j -d addr show` shows it. */
export function shownLink({ up, kind, addresses, alias, peer, hairpin, ...link }: PaperLink) {
  const addr_info = addresses.map((cidr) => {
    const [local, prefix] = cidr.split("/");
    return { local, prefixlen: Number(prefix), scope: "global", family: cidr.includes(":") ? "inet6" : "inet" };
  });
  const { ifname, ifindex, address, mtu, master } = link;
  const info_slave_data = master === undefined ? undefined : { hairpin, isolated: false, state: "forwarding" };
  return {
    ...{ ifname, ifindex, address, mtu, master, ifalias: alias, addr_info },
    flags: up ? ["UP"] : [],
    link_index: peer?.ifindex,
    ...(kind && { linkinfo: { info_kind: kind, info_data: {}, info_slave_data } }),
  };
}

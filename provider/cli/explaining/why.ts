/** What each kind of resource is for, in the words of someone who shows it to others. */
const about: Readonly<Record<string, string>> = {
  Netns: "a network stack of its own, with its own links, addresses, routes and rules",
  Bridge: "a switch in the kernel; with an address the host is on it too, as the gateway",
  VethPair: "a cable: what goes in at one end comes out at the other",
  NatRule: "translates addresses, and lets what is translated be forwarded",
  ForwardRule: "says what is let through from one link to another",
  PortPublish: "what comes to a port of the host is sent on to a container",
  ResolvConf: "the name servers that programs in a namespace ask (`ip netns exec` shows them the file)",
  Resolver: "a server that knows the names of a network, on its gateway",
  Vxlan: "a tunnel to other hosts: frames of one network in packets of another",
  Process: "a program that runs in a namespace",
  Lab: "a whole lab at once",
};

/** What a kind is for; undefined for one that is not known here. */
export function aboutKind(kind: string): string | undefined {
  return about[kind];
}

import { ping, run, tcp } from "./probes.ts";
import { both, differs, type Group, host, lost, outside, safer, same, web } from "./rows.ts";

const subnets = ["10.77.0.0/24", "10.79.0.0/24"];
const straight = {
  prepare: { world: subnets.map((one) => `ip route add ${one} via ${host}`).join("; ") },
  restore: { world: subnets.map((one) => `ip route del ${one}`).join("; ") },
};

const ownLoopback = "127.0.0.1 is for the host itself, by whatever way a packet comes";
const inward = "container ports are closed to other machines, by whatever way they come";

/** A neighbour that knows the way to the containers. */
export const routed: Group = {
  title: "A neighbour that routes straight to the containers' subnets",
  ...straight,
  scenarios: [
    ...safer("to a published port of a container", "world", web, 80, `from ${outside}`, inward),
    ...both("to a port that is not published", "world", web, 81, "no"),
    same("ping, to a container", ping("world", web), "no"),
    ...both("to an internal container", "world", lost, 80, "no"),
    same("tcp, to a service of the host by the gateway's address", tcp("world", "10.77.0.1", 9000), `from ${outside}`),
  ],
};

/** The same on a host that forwards. */
export const accepting: Group = {
  title: "The same where FORWARD accepts, as it does where forwarding was on before Docker came",
  prepare: { ...straight.prepare, machine: "iptables -P FORWARD ACCEPT" },
  // To ask iptables makes its table, where Docker has not made it.
  restore: { ...straight.restore, machine: "iptables -S | grep -qv '^-P' || nft delete table ip filter" },
  scenarios: [
    ...safer("to a published port of a container", "world", web, 80, `from ${outside}`, inward),
    ...safer("to a port that is not published", "world", web, 81, `from ${outside}`, inward),
    differs("ping, to a container", ping("world", web), "yes", "no", `safer: ${inward}`),
    ...both("to an internal container", "world", lost, 80, "no"),
  ],
};

/** A neighbour for whom 127.0.0.1 is an address beyond the wire (CVE-2020-8558's way). */
export const toLoopback: Group = {
  title: "A neighbour that sends to 127.0.0.1",
  prepare: {
    world: `ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1 via ${host}; echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet`,
  },
  restore: {
    world: "echo 0 >/proc/sys/net/ipv4/conf/all/route_localnet; ip route del 127.0.0.1; ip addr add 127.0.0.1/8 dev lo",
  },
  scenarios: [
    ...safer("to a port that is published on 127.0.0.1", "world", "127.0.0.1", 8081, `from ${outside}`, ownLoopback),
    ...safer(
      "to a port that is published on every address",
      "world",
      "127.0.0.1",
      8080,
      `from ${outside}`,
      ownLoopback,
    ),
    same("tcp, to a service of the host on 127.0.0.1", tcp("world", "127.0.0.1", 9001), "no"),
  ],
};

const forged = "198.51.100.7";
/** A container that is not who it says. */
export const forging: Group = {
  title: "A container with a forged source address",
  prepare: {},
  scenarios: [
    differs(
      "udp, to the outside",
      async (lab) => {
        const seen = lab.machine.world(
          `timeout 3 tcpdump -nlc1 -i up0 src ${forged} 2>/dev/null | grep -q ${forged} && echo arrives || echo no`,
        );
        await run(
          "sib",
          `ip addr add ${forged}/32 dev lo; sleep 1
          /usr/bin/python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("${forged}", 0)); s.sendto(b"?", ("${outside}", 9100))'
          ip addr del ${forged}/32 dev lo`,
        )(lab);
        return await seen;
      },
      "arrives",
      "no",
      "safer: what comes from a bridge carries an address of that bridge",
    ),
  ],
};

import { ping, run, tcp } from "./probes.ts";
import { both, differs, far, type Group, host, lost, outside, safer, same, web } from "./rows.ts";

const closed = "an internal network reaches of the host only its resolver";

/** What networks let through. */
export const within: Group = {
  title: "Networks",
  scenarios: [
    ...both("to a sibling", "sib", web, 80, "from 10.77.0.2"),
    ...both("to a sibling's port that is not published", "sib", web, 81, "from 10.77.0.2"),
    same("ping, to a sibling", ping("sib", web), "yes"),
    ...both("from the host to a container's port that is not published", "host", web, 81, "from 10.77.0.1"),
    ...both("from a container to the outside", "web", outside, 9100, `from ${host}`),
    same("tcp, from a container to a service of the host", tcp("web", host, 9000), `from ${web}`),
    ...both("from a container to a service of the host by the gateway", "web", "10.77.0.1", 9000, `from ${web}`),
    ...both("from a container to another network", "sib", far, 80, "no"),
    ...both("the other way", "far", web, 80, "no"),
    same("ping, from a container to another network", ping("sib", far), "no"),
    ...both("in two networks, to the first one", "both", web, 80, "from 10.77.0.3"),
    ...both("in two networks, to the second one", "both", far, 80, "from 10.78.0.2"),
    ...both("in two networks, to the outside", "both", outside, 9100, `from ${host}`),
    same(
      "in two networks, the default route",
      run("both", "ip -o route get 203.0.113.1 | grep -o 'via [^ ]*'"),
      "via 10.77.0.1",
    ),
    same(
      "addresses that nobody asked for: the lowest free ones",
      async (lab) => `${await addresses("sib")(lab)} ${await addresses("both")(lab)}`,
      "10.77.0.2/24 10.77.0.3/24 10.78.0.2/24",
    ),
  ],
};

const addresses = (place: string) =>
  run(place, "ip -4 -o addr show scope global | awk '{ print $4 }' | sort | paste -sd ' '");

/** What an internal network lets through. */
export const internal: Group = {
  title: "An internal network",
  scenarios: [
    ...both("to a sibling", "lost2", lost, 80, "from 10.79.0.12"),
    ...both("to the outside", "lost", outside, 9100, "no"),
    same("ping, to the outside", ping("lost", outside), "no"),
    ...both("to another network", "lost", web, 80, "no"),
    ...both("from another network", "web", lost, 80, "no"),
    ...both("from the host", "host", lost, 80, "from 10.79.0.1"),
    differs("tcp, to a service of the host", tcp("lost", host, 9000), `from ${lost}`, "no", `safer: ${closed}`),
    ...safer("to a service of the host by the gateway", "lost", "10.79.0.1", 9000, `from ${lost}`, closed),
  ],
};

/** The other drivers, and a shared namespace. */
export const drivers: Group = {
  title: "The drivers host and none, and a shared namespace",
  scenarios: [
    ...both("host: from outside, without a publish", "world", host, 9080, `from ${outside}`),
    same("tcp, host: from a container", tcp("web", host, 9080), `from ${web}`),
    same("host: it sees the host's links", run("open", "ls /sys/class/net | grep -x up0"), "up0"),
    same("none: its links", run("alone", "ip -o link | awk -F'[ :@]+' '{ print $2 }' | paste -sd ' '"), "lo"),
    same("none: by its own 127.0.0.1", tcp("alone", "127.0.0.1", 80), "from 127.0.0.1"),
    same("none: to the outside", tcp("alone", outside, 9100), "no"),
    same("shared: the other's server by 127.0.0.1", tcp("side", "127.0.0.1", 80), "from 127.0.0.1"),
    same("shared: its server by the other's address", tcp("sib", web, 82), "from 10.77.0.2"),
    same("shared: its address", addresses("side"), `${web}/24`),
  ],
};

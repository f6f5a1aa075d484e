import { secondAddress } from "./lab.ts";
import { both, type Group, host, lostAnswer, outside } from "./rows.ts";

/** Ports that are published on every address. */
export const everywhere: Group = {
  title: "A port that is published on every address",
  scenarios: [
    ...both("from outside", "world", host, 8080, `from ${outside}`),
    ...both("from the host by its address", "host", host, 8080, `from ${host}`),
    ...both("from the host by 127.0.0.1", "host", "127.0.0.1", 8080, "from 10.77.0.1"),
    ...lostAnswer("from a sibling", "sib", host, 8080, "from 10.77.0.1"),
    ...both("from a sibling by its gateway", "sib", "10.77.0.1", 8080, "from 10.77.0.1"),
    ...lostAnswer("from the container itself", "web", host, 8080, "from 10.77.0.1"),
    ...lostAnswer("from another network", "far", host, 8080, "from 10.77.0.1"),
    ...both("from an internal network", "lost", host, 8080, "no"),
    ...both("from an internal network by its gateway", "lost", "10.79.0.1", 8080, "no"),
    ...both("from a container of the host driver", "open", host, 8080, `from ${host}`),
  ],
};

/** Ports that are published on one address. */
export const oneAddress: Group = {
  title: "A port that is published on one address",
  scenarios: [
    ...both("from outside", "world", secondAddress, 8082, `from ${outside}`),
    ...both("from outside by another address", "world", host, 8082, "no"),
    ...both("from the host", "host", secondAddress, 8082, `from ${host}`),
    ...both("from the host by 127.0.0.1", "host", "127.0.0.1", 8082, "no"),
    ...both("from a sibling", "sib", secondAddress, 8082, "from 10.77.0.1"),
    ...both("from another network", "far", secondAddress, 8082, "from 10.77.0.1"),
  ],
};

/** Ports that are published on 127.0.0.1. */
export const loopback: Group = {
  title: "A port that is published on 127.0.0.1",
  scenarios: [
    ...both("from the host", "host", "127.0.0.1", 8081, "from 10.77.0.1"),
    ...both("from the host by its address", "host", host, 8081, "no"),
    ...both("from outside", "world", host, 8081, "no"),
    ...both("from a sibling", "sib", host, 8081, "no"),
    ...both("from a sibling by its gateway", "sib", "10.77.0.1", 8081, "no"),
    ...both("from the container itself, whose own 127.0.0.1 that is", "web", "127.0.0.1", 8081, "no"),
  ],
};

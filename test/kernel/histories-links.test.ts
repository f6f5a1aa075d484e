// Random histories of namespaces, bridges, cables, tunnels and DNS files.
import { historyTests } from "../support/histories/tests.ts";
import { cables, overlay } from "../support/histories/themes-links.ts";

historyTests({
  cables: {
    theme: cables,
    runs: 25,
    found: {
      "a bridge's addresses that somebody has put into another order stand as they were declared": [
        "lab = many",
        "up",
        "lab ~ another order of addresses",
      ],
      "a bridge and a cable that have lost the routes of their addresses get them again": [
        "lab = both",
        "cable = both",
        "up",
        "lab ~ flush routes",
        "cable ~ flush routes",
        "up",
      ],
      "a gateway of IPv6 that was wanted goes, also when the change was cut off": [
        "cable = both",
        "up",
        "cable = loose",
        "up, plugin at 5",
      ],
    },
  },
  overlay: {
    theme: overlay,
    runs: 15,
    found: {
      "a bridge whose making was cut off keeps the MTU with which it goes on": [
        "vx = none",
        "up, plugin at 1",
        "lab = both",
      ],
    },
  },
});

// Random histories of packet rules, by nftables and by iptables.
import { historyTests } from "../support/histories/tests.ts";
import { iptablesRules, rules } from "../support/histories/themes-rules.ts";

historyTests({
  rules: {
    theme: rules,
    runs: 20,
    found: {
      "a destroy that was cut off before it took the empty table away goes on": [
        "lab = plain",
        "up",
        "destroy, plugin at 2",
        "refresh",
      ],
      "a rule of somebody else's before ours stays, and ours is set again": [
        "two = first",
        "lab = plain",
        "up",
        "two ~ foreign rule",
      ],
      "a port without hairpin whose bridge was replaced is drift, and whole with one more up": [
        "web = other",
        "up",
        "lab = other",
      ],
      "a bridge that has lost its route while a repair of its addresses was cut off gets it again at once": [
        "dns = web",
        "up",
        "lab ~ another address",
        "up, plugin at 1",
        "lab ~ flush routes",
      ],
      "a bridge whose making was cut off is none of those that stay closed": [
        "nat = two",
        "dns = far",
        "up, script at 1",
        "up, plugin at 7",
      ],
    },
  },
  "rules of iptables": {
    theme: iptablesRules,
    runs: 10,
    found: {
      "a destroy that was cut off before it took the guard away goes on": [
        "nat = open",
        "up",
        "destroy, script at 1",
        "destroy",
      ],
      "a destroy that was cut off before it took its own folder away goes on": [
        "nat = open",
        "up",
        "destroy, script at 9",
        "destroy",
      ],
      "chains that somebody has flushed are filled as they were": ["dns = moved", "up", "nat ~ flush chains"],
      "a translation of iptables that stands yet is no reason to leave forwarding on": [
        "nat = out",
        "lab = plain",
        "up",
      ],
      "a table that was made for us goes, whoever deleted the jump that said so": [
        "dns = near",
        "up",
        "nat ~ delete jumps",
      ],
      "it goes also when nothing was repaired meanwhile": ["dns = near", "up", "nat ~ delete jumps", "destroy"],
      "a port on 127.0.0.1 whose rules somebody has flushed turns off what it turned on": [
        "dns = near",
        "up",
        "nat ~ flush chains",
        "lab -",
      ],
      "nor does its note stay where somebody has deleted the link and the rules that tell": [
        "dns = moved",
        "up",
        "lab ~ delete",
        "nat ~ delete chains",
        "destroy",
      ],
      "a guard that somebody has put into another order is filled anew": ["dns = udp", "up", "two ~ reorder"],
      "a published port whose bridge was replaced forgets the former one": [
        "dns = near",
        "lab = plain",
        "up",
        "lab = other",
      ],
    },
  },
});

// Firewalls of others that need no program but what every test has; those with one are in test/firewalls.
import { behind } from "../firewalls/matrix.ts";
import { plain } from "../firewalls/plain.ts";
import { long } from "../support/long.ts";

// What iptables-legacy adds is where our accept goes, which iptables-forward-accept.test.ts shows too.
const tried = Object.entries(plain).filter(([name]) => long || !/^(iptables-legacy|no) /.test(name));
for (const [name, firewall] of tried) behind(name, firewall);

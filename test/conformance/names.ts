import { type Probe, run } from "./probes.ts";
import { type Group, same, web } from "./rows.ts";

/** The addresses that a name has at a place, as a program there is told. */
const look = (place: string, name: string): Probe =>
  run(
    place,
    `RES_OPTIONS="timeout:2 attempts:1" getent ahostsv4 ${name} | awk '{ print $1 }' | sort -u | paste -sd ' ' | grep .`,
  );

/** What names lead to. */
export const names: Group = {
  title: "Names",
  scenarios: [
    same("of a sibling", look("sib", "web"), web),
    same("of a sibling, in capitals", look("sib", "WEB"), web),
    same("of a sibling, with the network's behind", look("sib", "web.n1"), web),
    same("its own", look("web", "web"), web),
    same("an alias that two share", look("both", "pair"), `${web} 10.77.0.2`),
    same("in two networks, of one in the second", look("both", "far"), "10.78.0.11"),
    same("of a container in another network", look("far", "web"), "no"),
    same("of a container in another network, with that network's behind", look("far", "web.n1"), "no"),
    same("of a sibling in an internal network", look("lost2", "lost"), "10.79.0.11"),
    same("of a name outside", look("sib", "up.test"), "192.0.2.7"),
    same("of a name outside, in an internal network", look("lost", "up.test"), "no"),
    same("of a sibling, in a shared namespace", look("side", "sib"), "10.77.0.2"),
    same("of a container, with the driver host", look("open", "web"), "no"),
    same("of a container, on the host", look("host", "web"), "no"),
    same("of a container, with the driver none", look("alone", "web"), "no"),
  ],
};

import { names } from "./names.ts";
import { drivers, internal, within } from "./networks.ts";
import { everywhere, loopback, oneAddress } from "./publishing.ts";
import { attempt, type Group, web } from "./rows.ts";
import { accepting, forging, routed, toLoopback } from "./strangers.ts";

const nothing = "better: there, the port is published and leads nowhere";
const refusals: Group = {
  title: "What is refused",
  scenarios: [
    {
      ...attempt("a publish on an internal network", { networks: ["inner"], publish: ["8090:80"] }),
      docker: "accepted",
      ours: "refused",
      why: nothing,
    },
    {
      ...attempt("a publish with the driver none", { networks: ["none"], publish: ["8090:80"] }),
      docker: "accepted",
      ours: "refused",
      why: nothing,
    },
    {
      ...attempt("the address of another container", { networks: ["n1"], address: web }),
      docker: "refused",
      ours: "refused",
    },
    {
      ...attempt("the gateway's address", { networks: ["n1"], address: "10.77.0.1" }),
      docker: "refused",
      ours: "refused",
    },
    {
      ...attempt("the broadcast address", { networks: ["n1"], address: "10.77.0.255" }),
      docker: "refused",
      ours: "refused",
    },
    {
      ...attempt("an address outside the subnet", { networks: ["n1"], address: "10.99.0.7" }),
      docker: "refused",
      ours: "refused",
    },
    { ...attempt("none of these", { networks: ["n1"] }), docker: "accepted", ours: "accepted" },
  ],
};

/** All rows, in the order in which they are asked. */
export const groups: readonly Group[] = [
  everywhere,
  oneAddress,
  loopback,
  within,
  internal,
  drivers,
  names,
  routed,
  toLoopback,
  forging,
  accepting,
  refusals,
];

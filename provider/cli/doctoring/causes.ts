import type { Cause } from "./cause.ts";
import { addressCauses } from "./causes/addresses.ts";
import { filterCauses } from "./causes/filters.ts";
import { forwardingCauses } from "./causes/forwarding.ts";
import { drift, hostCauses, lastCauses, settingCauses } from "./causes/host.ts";
import { linkCauses } from "./causes/links.ts";
import { mtuCause } from "./causes/mtu.ts";
import { nameCauses } from "./causes/names.ts";
import { portCauses } from "./causes/ports.ts";

/** All known causes: what others rest on comes first. A new one is one entry in one of these lists, and a line in docs/cli.md. */
export const causes: readonly Cause[] = [
  ...hostCauses,
  ...linkCauses,
  ...addressCauses,
  ...forwardingCauses,
  ...filterCauses,
  ...settingCauses,
  ...portCauses,
  ...nameCauses,
  mtuCause,
  drift,
  ...lastCauses,
];

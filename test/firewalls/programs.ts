import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { quote } from "../../provider/kernel/quote.ts";

const path = (name: string) => quote(fileURLToPath(new URL(name, import.meta.url)));

/** Starts firewall.sh, for a line of bash: `install`, or the name of a firewall and what it is to do. */
export const firewall = `PACKAGES=${quote(process.env.LINUXNET_FIREWALLS ?? "")} bash ${path("firewall.sh")}`;

/** Starts docker.sh of test/conformance, for a line of bash: `start`, `restart`, `stop`. */
export const docker = `GROUP=linuxnet-firewalls PACKAGES=${quote(process.env.LINUXNET_DOCKER ?? "")} bash ${path("../conformance/docker.sh")}`;

/** Whether bridged packets come by FORWARD; there only where the kernel has br_netfilter. */
export const bridged = "/proc/sys/net/bridge/bridge-nf-call-iptables";

/** Whether this kernel has br_netfilter. */
export const hasBridged = existsSync(bridged);

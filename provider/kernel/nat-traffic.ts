import { contains, type Family } from "./addresses.ts";
import { ofFamily } from "./match.ts";
import { type Translation, translatedFamilies } from "./nat-rules.ts";
import type { Traffic } from "./stopped.ts";
import type { SeenUplinks } from "./uplink.ts";

/**
 * What of a translation has to pass the firewalls of others.
 * @param seen the routes of the host, which tell behind which link a source is
 */
export function natTraffic(nat: Translation, seen: SeenUplinks): Traffic[] {
  return translatedFamilies(nat).flatMap((family): Traffic[] => {
    if (nat.type === "dnat") return translatedTo(nat, family);
    const sources = ofFamily(nat.source, family) ?? [];
    return sources.map((source) => {
      const routes = family === 6 ? seen.routes6 : seen.routes4;
      const bridge = routes?.find(({ to }) => to !== "default" && contains(to, source))?.dev;
      const packet = { family, source, inDevice: bridge, outDevice: nat.outInterface?.[family], dnat: false };
      return { what: `what is opened from ${source}`, packet, bridge };
    });
  });
}

function translatedTo({ toAddress, toPorts, protocol }: Translation, family: Family): Traffic[] {
  const destinationPort = typeof toPorts === "number" ? toPorts : undefined;
  const packet = { family, destination: toAddress, destinationPort, protocol, dnat: true };
  return [{ what: `what is translated to ${toAddress}`, packet, bridge: undefined }];
}

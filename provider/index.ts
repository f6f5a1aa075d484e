export { Bridge, type BridgeArgs } from "./resources/bridge.ts";
export { Netns, type NetnsArgs } from "./resources/netns.ts";
export type { ResourceArgs } from "./resources/resource.ts";
export { type RouteArgs, type VethEnd, type VethEndArgs, VethPair, type VethPairArgs } from "./resources/vethPair.ts";

export { Bridge, type BridgeArgs } from "./resources/bridge.ts";
export { ForwardRule, type ForwardRuleArgs } from "./resources/forwardRule.ts";
export { NatRule, type NatRuleArgs } from "./resources/natRule.ts";
export { Netns, type NetnsArgs } from "./resources/netns.ts";
export { PortPublish, type PortPublishArgs } from "./resources/portPublish.ts";
export { ResolvConf, type ResolvConfArgs } from "./resources/resolvConf.ts";
export type { ResourceArgs } from "./resources/resource.ts";
export type { ImpairmentArgs, RouteArgs, VethEnd, VethEndArgs } from "./resources/vethEnd.ts";
export { VethPair, type VethPairArgs } from "./resources/vethPair.ts";

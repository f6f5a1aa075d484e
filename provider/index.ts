export { Container, type ContainerArgs } from "./components/container.ts";
export type { DnsArgs } from "./components/dns.ts";
export { Network, type NetworkArgs } from "./components/network.ts";
export type { OverlayArgs } from "./components/overlay.ts";
export type { PublishArgs } from "./components/publish.ts";
export { AddressPool, type AddressPoolArgs } from "./resources/addressPool.ts";
export { Bridge, type BridgeArgs } from "./resources/bridge.ts";
export type { ConnectionArgs, ProxyConnectionArgs } from "./resources/connection.ts";
export { Expect, type ExpectArgs, type ExpectFrom, type Reachable } from "./resources/expect.ts";
export { ForwardRule, type ForwardRuleArgs } from "./resources/forwardRule.ts";
export type {
  LabContainerArgs,
  LabContainerState,
  LabExpectArgs,
  LabNetworkArgs,
  LabNetworkState,
} from "./resources/lab/args.ts";
export { Lab, type LabArgs } from "./resources/lab.ts";
export { NatRule, type NatRuleArgs } from "./resources/natRule.ts";
export { Netns, type NetnsArgs } from "./resources/netns.ts";
export { PortPublish, type PortPublishArgs } from "./resources/portPublish.ts";
export { Process, type ProcessArgs, type ReadyArgs } from "./resources/process.ts";
export { ResolvConf, type ResolvConfArgs } from "./resources/resolvConf.ts";
export { type MemberArgs, Resolver, type ResolverArgs } from "./resources/resolver.ts";
export type { ResourceArgs } from "./resources/resource.ts";
export type { ImpairmentArgs, RouteArgs, VethEnd, VethEndArgs } from "./resources/vethEnd.ts";
export { VethPair, type VethPairArgs } from "./resources/vethPair.ts";
export { type AnycastGatewayArgs, Vxlan, type VxlanArgs } from "./resources/vxlan.ts";

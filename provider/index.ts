export { Netns, type NetnsArgs } from "./resources/netns.ts";
export type { ResourceArgs } from "./resources/resource.ts";

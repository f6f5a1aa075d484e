import type { Definition } from "../lifecycle/definition.ts";
import { bridge } from "./bridge.ts";
import { netns } from "./netns.ts";
import { vethPair } from "./vethPair.ts";

/** Every kind of resource: a new one is one file here, and one line. */
export const definitions = [netns, bridge, vethPair] as unknown as readonly Definition[];

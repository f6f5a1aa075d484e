import type { Definition } from "../lifecycle/definition.ts";
import { netns } from "./netns.ts";

/** Every kind of resource: a new one is one file here, and one line. */
export const definitions = [netns] as unknown as readonly Definition[];

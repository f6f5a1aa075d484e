import type { Definition } from "../lifecycle/definition.ts";
import { addressPool } from "./addressPool.ts";
import { bridge } from "./bridge.ts";
import { expect } from "./expect.ts";
import { forwardRule } from "./forwardRule.ts";
import { lab } from "./lab.ts";
import { natRule } from "./natRule.ts";
import { netns } from "./netns.ts";
import { portPublish } from "./portPublish.ts";
import { process } from "./process.ts";
import { resolvConf } from "./resolvConf.ts";
import { resolver } from "./resolver.ts";
import { vethPair } from "./vethPair.ts";
import { vxlan } from "./vxlan.ts";

/** Every kind of resource: a new one is one file here, and one line. */
export const definitions = [
  netns,
  bridge,
  vethPair,
  natRule,
  forwardRule,
  portPublish,
  resolvConf,
  process,
  vxlan,
  addressPool,
  expect,
  resolver,
  lab,
] as unknown as readonly Definition[];

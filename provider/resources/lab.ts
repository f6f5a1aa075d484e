// A whole lab as one resource: the objects of Network and Container, each with an owner of its own, made by one script. Limits: it
// is on one host; what its parts refuse, it refuses.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import type { Fact } from "../kernel/command.ts";
import { shortHash } from "../kernel/owner.ts";
import { type Context, define, type Issue } from "../lifecycle/definition.ts";
import type {
  LabContainerArgs,
  LabContainerState,
  LabExpectArgs,
  LabNetworkArgs,
  LabNetworkState,
} from "./lab/args.ts";
import { labFacts, labPending, labPlan, labPresent, labTeardown } from "./lab/plan.ts";
import { examine } from "./lab/rules.ts";
import { type LabArgs as Args, labFields } from "./lab/shape.ts";
import type { Replies } from "./lab/sights.ts";
import { Resource, type ResourceArgs } from "./resource.ts";

/** Inputs of a {@link Lab}. */
export interface LabArgs extends ResourceArgs {
  /** Its networks by name: 1 to 63 letters, digits, `_` and `-`. */
  networks?: pulumi.Input<Record<string, LabNetworkArgs>>;
  /** Its containers by name: 1 to 63 letters, digits, `_` and `-`. */
  containers?: pulumi.Input<Record<string, LabContainerArgs>>;
  /** What must hold, tried when all stands, and at every refresh. */
  expect?: pulumi.Input<LabExpectArgs[]>;
}

const found = new WeakMap<Args, Issue[]>();

/** How a {@link Lab} is checked, planned and removed. */
export const lab = define<Args>()({
  kind: "Lab",
  fields: labFields,
  derive(args, olds) {
    const { args: whole, issues } = examine(args, olds as Partial<Args>);
    found.set(whole, issues);
    return whole;
  },
  rules: (args) => found.get(args) ?? [],
  replaceOn: [],
  id: ({ owner }) => /Lab\/([^@]*)/.exec(owner)?.[1] ?? shortHash(owner),
  facts: (args, context: Context): Record<string, Fact<Replies[string]>> => labFacts(args, context),
  plan: labPlan,
  present: labPresent,
  teardown: labTeardown,
  outputs: () => ({}),
  pending: labPending,
  expects: true,
  lasting: true,
});

/**
 * A whole lab as one resource, for big ones: the same objects as those of Network and Container, made by one script.
 *
 * @example
 * const lab = new linuxnet.Lab("lab", {
 *   networks: { shop: { subnet: "10.5.0.0/24" } },
 *   containers: { web: { network: "shop", publish: ["8080:80"] }, client: { network: "shop", links: { server: "web" } } },
 *   expect: [{ from: "client", to: "web" }],
 * });
 * lab.containers.apply(({ web }) => web?.addresses); // ["10.5.0.2/24"]
 */
export class Lab extends Resource {
  /** The networks, each with its `subnets`, `gateways` and `bridgeName`; known at preview. */
  declare readonly networks: pulumi.Output<Record<string, LabNetworkState>>;
  /** The containers, each with its `netns`, `addresses` and `gateway`; known at preview. */
  declare readonly containers: pulumi.Output<Record<string, LabContainerState>>;
  declare readonly expect: pulumi.Output<LabExpectArgs[]>;
  declare readonly adopt: pulumi.Output<boolean>;

  constructor(name: string, args: LabArgs, opts?: pulumi.CustomResourceOptions) {
    super(lab, name, args, [], opts);
  }

  /**
   * A lab that a YAML file describes: the keys are those of {@link LabArgs}.
   *
   * @param path the file; a relative one is looked for in the folder in which the program runs
   * @throws RunError that names the file, when it cannot be read or is no YAML
   */
  static fromFile(name: string, path: string, opts?: pulumi.CustomResourceOptions): Lab {
    return new Lab(name, readLab(path), opts);
  }
}

function readLab(path: string): LabArgs {
  try {
    // Loaded where it is needed: the plugin and other programs do without.
    const { parse } = createRequire(import.meta.url)("yaml") as typeof import("yaml");
    const content: unknown = parse(readFileSync(path, "utf8"));
    if (typeof content !== "object" || content === null || Array.isArray(content))
      throw new Error("it must hold networks and containers");
    return content as LabArgs;
  } catch (error) {
    throw new pulumi.RunError(`cannot read the lab ${path}: ${error instanceof Error ? error.message : error}`);
  }
}

import type { Context } from "../../provider/lifecycle/definition.ts";
import { labFacts, labPlan } from "../../provider/resources/lab/plan.ts";
import { Paper } from "./paper.ts";
import { PaperHost } from "./paper-host.ts";

type Bag = Record<string, unknown>;

/** Networks of both families, of which one is internal, and containers on them. */
export const plain = {
  networks: { shop: { subnet: "10.5.0.0/24" }, six: { subnet: "fd05::/64", internal: true } },
  containers: { web: { network: "shop", publish: ["8080:80"] }, client: { network: ["shop", "six"] } },
};

/** A lab of these inputs, and a host on paper that it looks at. */
export class LabSite {
  readonly paper: Paper;
  readonly host: PaperHost;
  readonly context: Context;

  constructor(inputs: Bag, host: PaperHost = new PaperHost(), more: Partial<Context> = {}) {
    this.paper = new Paper("Lab", inputs, {}, more.previous);
    this.host = host;
    this.context = { owner: this.paper.owner, adopt: false, claims: new Set(), ...more };
  }

  look(): Record<string, never> {
    return this.host.look(labFacts(this.paper.args as never, this.context));
  }

  /** The next run of the same program, with other inputs. */
  next(inputs: Bag): LabSite {
    return new LabSite(inputs, this.host, { ...this.context, previous: this.paper.args });
  }

  /** Does on the host what is missing. */
  make(): this {
    const changes = labPlan(this.paper.args as never, this.look(), this.context);
    this.host.apply(changes.flatMap(({ steps }) => steps));
    return this;
  }

  plan(): string {
    return this.paper.plan(this.look(), this.context);
  }

  teardown(): string {
    return this.paper.teardown(this.look(), this.context);
  }

  present(): boolean {
    return this.paper.present(this.look(), this.context);
  }

  /** What is kept of a container. */
  container(name: string): Bag {
    return (this.paper.args.containers as Record<string, Bag>)[name] ?? {};
  }

  /** The name of the host's link that begins with a text. */
  link(start: string): string {
    const found = this.host.links.find(({ ifname, netns }) => netns === "" && ifname.startsWith(start));
    return found?.ifname ?? "";
  }

  /** Deletes a link by hand. */
  unlink(name: string): void {
    this.host.apply([{ what: "", do: { kind: "ip", args: ["link", "del", "dev", name] } }]);
  }
}

/** What a plan tells of, without its steps. */
export function told(text: string): string[] {
  return text.split("\n").filter((line) => !line.startsWith(" "));
}

/** What the steps of a plan do, without their commands. */
export function done(text: string): string[] {
  return text.split("\n").flatMap((line) => (line.startsWith("  ") ? [line.trim().replace(/: .*/, "")] : []));
}

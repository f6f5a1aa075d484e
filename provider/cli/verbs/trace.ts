import { Option } from "commander";
import { canonicalAddress } from "../../kernel/addresses.ts";
import type { Tracer } from "../../kernel/tracer.ts";
import { readStack } from "../stack.ts";
import type { Terminal } from "../terminal.ts";
import { topologyOf } from "../topology/read.ts";
import { journeyOf } from "../tracing/ends.ts";
import type { Story } from "../tracing/model.ts";
import { observe } from "../tracing/observe.ts";
import { storyOf } from "../tracing/story.ts";
import { asText, toldSteps } from "../tracing/text.ts";
import { exitCodes, mistake, type Verb } from "../verb.ts";

type Writing = (story: Story, rules: boolean, terminal: Terminal) => string;

/** Each way to write a journey, loaded when it is asked for. */
const formats: Record<string, () => Promise<Writing>> = {
  text: async () => asText,
  mermaid: async () => (await import("../tracing/mermaid.ts")).asMermaid,
  html: async () => (await import("../tracing/html.ts")).asHtml,
  json: async () => (story, rules) => `${JSON.stringify({ ...story, steps: toldSteps(story, rules) }, null, 2)}\n`,
};

/** `linuxnet trace FROM TO[:PORT]`: sends one packet, and tells each link and rule on its way and on the way back. */
export const verb: Verb = {
  names: "containers",
  examples: [
    "trace web world",
    "trace web db:5432",
    "trace host 127.0.0.1:8080",
    "trace web world --format html >way.html",
    "trace --outside me@laptop world host:8080",
  ],
  declare: (command) =>
    void command
      .argument("<from>", "a container, `host`, or `world`")
      .argument("<to[:port]>", "a container, `host`, `world`, or an address")
      .addOption(
        new Option("-p, --protocol <protocol>", "default: tcp with a port, else icmp").choices(["tcp", "udp", "icmp"]),
      )
      .addOption(
        new Option("-f, --format <format>", "how it is written").choices(["text", "mermaid", "html"]).default("text"),
      )
      .option("--rules", "show also the rules that let the packet through")
      .option("--world <address>", "an address that stands for the world (default: the host's default gateway)")
      .option("--outside <where>", "from where `world` sends: [user@]host[:port], or the file of a network namespace"),
  async run({ args, options, folder, stacks, json, terminal }) {
    const [from, to] = args as [string, string];
    const given = options as {
      format: string;
      protocol?: Tracer["protocol"];
      rules?: boolean;
      world?: string;
      outside?: string;
    };
    if (given.world !== undefined && !canonicalAddress(given.world))
      mistake(`--world ${given.world} is no address`, "Give one such as 9.9.9.9.");
    const stack = await readStack(folder, stacks[0]);
    const asked = { from, to, protocol: given.protocol, world: given.world, outside: given.outside };
    const journey = await journeyOf(asked, await topologyOf(stack), `${stack.project}/${stack.name}`);
    const story = storyOf(journey, await observe(journey));
    const write = await (formats[json ? "json" : given.format] as (typeof formats)[string])();
    terminal.write(write(story, given.rules === true, terminal));
    return story.reached ? exitCodes.healthy : exitCodes.finding;
  },
};

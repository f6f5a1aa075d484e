// What check lets through of what nobody should pass: it is planned, and its script runs in a real shell. It arrives as it
// was given, or all of it is taken back; and nothing of it is run. What check refuses is in test/unit/hostile.test.ts.
import { afterAll, describe, expect } from "vitest";
import { LinuxnetError } from "../../provider/kernel/failure.ts";
import type { Definition } from "../../provider/lifecycle/definition.ts";
import { applyAndLook, look } from "../../provider/lifecycle/subject.ts";
import { definitions } from "../../provider/resources/index.ts";
import { canary, hostileTexts } from "../support/corpus.ts";
import { long, part, some } from "../support/long.ts";
import type { Machine } from "../support/machine.ts";
import { eachPlace, type Place, placeText, withPlace } from "../support/places.ts";
import { checked, failures, make } from "../support/subject.ts";
import { test } from "../support/test.ts";

type Bag = Record<string, unknown>;
type Fate = "arrived" | "refused" | "taken back";

const counts: Record<Fate, number> = { arrived: 0, refused: 0, "taken back": 0 };
afterAll(() =>
  console.log(
    `tried: ${Object.values(counts).reduce((a, b) => a + b)} hostile inputs in a real shell: ${JSON.stringify(counts)}`,
  ),
);

/** The default run looks at every third text. */
const texts = part(hostileTexts, Math.ceil(hostileTexts.length / 3));

/** A place that takes so many of them takes any text. */
const many = 0.65 * texts.length;

/** What of a place's hostile texts check lets through. */
function letThrough({ kind }: Definition, { args, path }: Place): Bag[] {
  return texts.map((text) => withPlace(args, path, text)).filter((bag) => failures(kind, bag).length === 0);
}

/** Plans, applies, looks whether it stands as it was given, and takes it away. */
async function fateOf(machine: Machine, definition: Definition, args: Bag): Promise<Fate> {
  const inputs: Bag = { ...checked(definition.kind, args), connection: undefined };
  const subject = { definition, host: machine.host, args: inputs, context: contextOf(`${inputs.owner}`) };
  try {
    const { seen, context, on } = await look(subject);
    const steps = definition.plan(inputs, seen, context).flatMap((change) => change.steps);
    const { report, ...after } = await applyAndLook(subject, steps, { seen, context, on }, "undo");
    if (!report) throw new Error("the session was lost");
    expect(report.left).toEqual([]);
    if (report.failures.length === 0) expect(definition.plan(inputs, after.seen, after.context)).toEqual([]);
    const back = definition.teardown(inputs, after.seen, after.context);
    const { report: gone } = await machine.host.apply(back, { owner: context.owner, onFailure: "go-on" }, {});
    expect(gone.failures).toEqual([]);
    return report.failures.length === 0 ? "arrived" : "taken back";
  } catch (error) {
    if (!(error instanceof LinuxnetError)) throw error;
    expect(error.message).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    return "refused";
  }
}

const contextOf = (owner: string) => ({ owner, adopt: false });

/** What the samples stand on, and an admin's own rules, which nothing may flush. */
async function prepare(machine: Machine): Promise<void> {
  await make(machine, "Bridge", "ground", { name: "lab0", addresses: ["172.18.0.1/16"] });
  await machine.sh("ip link set lab0 addrgenmode none");
  await machine.sh(
    "ip netns add ct1; ip netns add ct2; nft add table inet admin; nft 'add chain inet admin c { type filter hook input priority 50; }'",
  );
  await machine.baseline();
}

/** Every file that anything here could have written, but for what /proc and the snapshot know. */
const files = "find /run /etc /media -xdev -newer /media/then ! -path '/run/linuxnet*' ! -type d | sort";

/**
 * The inputs that go on: in the default run another one of each place that takes any text, and one of four other places; in the
 * long run three, and one of six.
 */
function goingOn(definition: Definition): { place: Place; bags: readonly Bag[] }[] {
  const places = eachPlace(definition).filter(({ path }) => path[0] !== "connection");
  const all = places.map((place) => ({ place, bags: letThrough(definition, place) }));
  const free = all.filter(({ bags }) => bags.length > many);
  const others = all.filter(({ bags }) => bags.length > 0 && bags.length <= many);
  return [
    ...free.map(({ place, bags }, index) => ({ place, bags: long ? some(bags, 3) : bags.slice(index, index + 1) })),
    ...some(others, long ? 6 : 4).map(({ place, bags }) => ({ place, bags: some(bags, 1) })),
  ];
}

describe.each(definitions.filter(({ hostless }) => !hostless))("$kind", (definition) => {
  test("what check lets through arrives as it was given, and nothing of it is run", async ({ machine }) => {
    await prepare(machine);
    await machine.sh("touch /media/then");
    for (const { place, bags } of goingOn(definition)) {
      for (const args of bags) {
        counts[await fateOf(machine, definition, args)] += 1;
        const told = `${placeText(place.path)} of ${JSON.stringify(args)}`;
        expect(await machine.exec(`! [ -e ${canary} ]`), told).toMatchObject({ code: 0 });
      }
    }
    expect(await machine.sh(files)).toBe("");
  });
});

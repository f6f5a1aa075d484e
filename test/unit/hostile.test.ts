// What nobody should pass, in every place of every kind's inputs: refused by its place, or kept as it was given. What is
// kept goes on to a real shell in test/kernel/hostile.test.ts.
import { afterAll, describe, expect, test } from "vitest";
import { check } from "../../provider/lifecycle/check.ts";
import type { Definition } from "../../provider/lifecycle/definition.ts";
import { definitions } from "../../provider/resources/index.ts";
import { hostileTexts } from "../support/corpus.ts";
import { part } from "../support/long.ts";
import { atPlace, eachPlace, type Place, placeText, schemaPlaces, withPlace } from "../support/places.ts";
import { failures } from "../support/subject.ts";

type Bag = Record<string, unknown>;

/** What check makes canonical: the same thing in fewer or other words. */
const sameIn: readonly [place: RegExp, same: (given: string, kept: string) => boolean][] = [
  [/(source|destination|to)(\[\])?$/, (given, kept) => kept.replace(/\/(32|128)$/, "") === given.toLowerCase()],
  [
    /ddress(es)?(\[\])?$|nameservers|dns\[\]$|[hH]osts|upstreams|local$|remotes|underlay|^to$/,
    (given, kept) => kept === given.toLowerCase(),
  ],
  [/delay|jitter|timeout|within|Timeout/, (given, kept) => given === "1h1h" && kept === "2h"],
  [/sysctls\{\}/, (given, kept) => kept === given.trim().replaceAll(/\s+/g, " ")],
];

function isKept(place: string, given: string, kept: unknown): boolean {
  if (kept === given) return true;
  return sameIn.some(([where, same]) => where.test(place) && typeof kept === "string" && same(given, kept));
}

/** What Pulumi's wire has for a secret, where a provider takes them (sdk/nodejs/runtime/rpc.ts). */
const sealed = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: "x" };
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const odd = [true, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, [], [[]], {}, { length: 1 }, sealed];

let tried = 0;
afterAll(() => console.log(`tried: ${tried} hostile inputs at check`));

function look(definition: Definition, { args, path }: Place, given: unknown) {
  tried += 1;
  return check(definition, {}, { ...withPlace(args, path, given), owner: "linuxnet:test/dev/X/x" });
}

/** Refused by a property that the place belongs to, in a sentence; or undefined when it is let through. */
function expectRefusal(place: Place, found: ReturnType<typeof check>["failures"], given: unknown): void {
  const told = found.map(({ property, reason }) => `${property} ${reason}`).join("\n");
  const where = `${placeText(place.path)} ${JSON.stringify(given)}`;
  expect(told, where).toMatch(new RegExp(`${Object.keys(place.args).join("|")}`));
  expect(told, where).not.toMatch(/Invalid input|Unrecognized/);
  if (given !== "undefined") expect(told, where).not.toContain("undefined");
  // A terminal would take these for its own, and show something else than what was said.
  expect(found.map(({ property, reason }) => `${property} ${reason}`).join(), where).not.toMatch(
    /[\p{Cc}\p{Bidi_Control}]/u,
  );
}

describe.each(definitions)("$kind", (definition) => {
  const all = eachPlace(definition);
  // A lab's parts are the other kinds, and it has many.
  const texts = part(hostileTexts, definition.kind === "Lab" ? 60 : 180);

  test("has a good input for every place of its schema", () => {
    for (const { args } of all) expect(failures(definition.kind, args)).toEqual([]);
    const places = new Set(all.map(({ path }) => placeText(path)));
    expect(schemaPlaces(definition).filter((place) => !places.has(place) && !place.startsWith("connection."))).toEqual(
      [],
    );
  });

  test("refuses a hostile text by its place, or keeps it as it is", { timeout: 60_000 }, () => {
    for (const place of all) {
      for (const given of texts) {
        const { inputs, failures: found } = look(definition, place, given);
        if (found.length > 0) expectRefusal(place, found, given);
        else {
          const kept = atPlace(inputs, place.path, given);
          if (!isKept(placeText(place.path), given, kept))
            expect.fail(
              `${definition.kind} ${placeText(place.path)}: ${JSON.stringify(given)} became ${JSON.stringify(kept)}`,
            );
        }
      }
    }
    expect(({} as Bag).polluted).toBeUndefined();
  });

  test("refuses what is no text, or keeps it; what is not known yet passes", () => {
    for (const place of all.filter(({ path }) => !isKey(path))) {
      for (const given of odd) {
        const { inputs, failures: found } = look(definition, place, given);
        if (found.length > 0) expectRefusal(place, found, given);
        else expect([given, ...formsOf(given)]).toContainEqual(atPlace(inputs, place.path));
      }
      const { inputs, failures: found } = look(definition, place, unknown);
      expect(found, placeText(place.path)).toEqual([]);
      expect(atPlace(inputs, place.path)).toBe(unknown);
    }
  });
});

const isKey = (path: Place["path"]) => typeof path.at(-1) === "object" && "key" in (path.at(-1) as object);

/** An empty object is the inputs of something that needs none. */
const formsOf = (given: unknown): unknown[] => (JSON.stringify(given) === "{}" ? [undefined] : []);

import fc from "fast-check";
import { expect, test } from "vitest";
import { Frames } from "../../../provider/host/frames.ts";
import { hostile } from "../../support/hostile.ts";

const tag = "linuxnet-0123456789abcdef01234567";

interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

/** Text that looks as much like a frame as a command can make it without knowing the tag. */
const lookalike = fc.constantFrom("\n", tag.slice(0, -1), "linuxnet-", `${tag.slice(0, 20)} 0 0\n`, " 0 0\n", "0");
const text = fc.array(fc.oneof(hostile, lookalike), { maxLength: 6 }).map((parts) => parts.join(""));
const answer = fc.record({ code: fc.integer({ min: 0, max: 255 }), stdout: text, stderr: text });
const sizes = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 3000 })), {
  minLength: 1,
});

/** Cuts a text into pieces of these sizes, over and over. */
function cut(whole: string, sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  for (let at = 0, turn = 0; at < whole.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(whole.slice(at, at + size));
    at += size;
  }
  return pieces;
}

test("answers are cut out of two streams, however those are chunked", () => {
  fc.assert(
    fc.property(
      fc.array(answer, { minLength: 1, maxLength: 5 }),
      sizes,
      sizes,
      fc.array(fc.boolean(), { minLength: 1 }),
      (answers, outSizes, errSizes, turns) => {
        const got: [number, Answer][] = [];
        const frames = new Frames(tag, (number, code, stdout, stderr) => got.push([number, { code, stdout, stderr }]));
        const out = cut(answers.map(({ code, stdout }, n) => `${stdout}\n${tag} ${n} ${code}\n`).join(""), outSizes);
        const err = cut(answers.map(({ stderr }, n) => `${stderr}\n${tag} ${n}\n`).join(""), errSizes);
        for (let turn = 0; out.length + err.length > 0; turn += 1) {
          const first = (turns[turn % turns.length] && out.length > 0) || err.length === 0;
          if (first) frames.stdout(out.shift() ?? "");
          else frames.stderr(err.shift() ?? "");
        }
        expect(got).toEqual(answers.map((each, number) => [number, each]));
      },
    ),
    { numRuns: 2000 },
  );
});

test("a chunk of one character at a time", () => {
  const got: Answer[] = [];
  const frames = new Frames(tag, (_, code, stdout, stderr) => got.push({ code, stdout, stderr }));
  for (const character of `hello\n${tag} 0 3\n`) frames.stdout(character);
  for (const character of `oops\n${tag} 0\n`) frames.stderr(character);
  expect(got).toEqual([{ code: 3, stdout: "hello", stderr: "oops" }]);
});

test("the last words of a shell that ended are what stderr has behind the last answer", () => {
  const frames = new Frames(tag, () => {});
  frames.stderr(`\n${tag} 0\nsudo: a password `);
  frames.stderr("is required\n");
  expect(frames.lastWords()).toBe("sudo: a password is required\n");
});

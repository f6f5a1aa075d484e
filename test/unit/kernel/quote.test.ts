import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { Session } from "../../../provider/host/session.ts";
import { localLaunch } from "../../../provider/host/shell.ts";
import { batchLine, ip } from "../../../provider/kernel/command.ts";
import { quote, quoteAll } from "../../../provider/kernel/quote.ts";
import { hostile } from "../../support/hostile.ts";

const session = new Session(localLaunch());
afterAll(() => session.close());

/** Hands words to a program as its argv, and reads from it what has arrived. */
async function arrived(words: readonly string[]): Promise<string[]> {
  const script = `/usr/bin/printf '%s\\0' ${quoteAll(words)} | base64 -w 0`;
  const [reply] = await session.send([{ script, deadline: 60 }]);
  if (reply?.code !== 0) throw new Error(`${reply?.code}: ${reply?.stderr}`);
  const bytes = Buffer.from(reply.stdout, "base64");
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes).split("\0").slice(0, -1);
}

describe("a quoted word arrives at a program as it was given", () => {
  test("for 100,000 hostile ones", { timeout: 120_000 }, async () => {
    let count = 0;
    const many = fc.array(hostile, { minLength: 500, maxLength: 500 });
    await fc.assert(
      fc.asyncProperty(many, async (words) => {
        expect(await arrived(words)).toEqual(words);
        count += words.length;
      }),
      { numRuns: 201, endOnFailure: true },
    );
    expect(count).toBeGreaterThanOrEqual(100_000);
  });

  test("for every character of one or two bytes, alone and doubled", async () => {
    const words = Array.from({ length: 0x7ff }, (_, code) => String.fromCharCode(code + 1));
    expect(await arrived(words)).toEqual(words);
    const doubled = words.map((word) => `${word}${word}x`);
    expect(await arrived(doubled)).toEqual(doubled);
  });

  test.each([
    "\nl\u0080",
    "\n\u00ff",
    "\nlinuxnet-\u00e9",
    "",
    " ",
    "-",
    "--",
    "-n",
    "\n",
    "'",
    "''",
    "\\",
    "a\n",
    "\nIP\n",
    "\nNFT\n",
    "$(exit 3)",
    "\u0001\u007f",
  ])("for %j", async (word) => {
    expect(await arrived([word, word])).toEqual([word, word]);
  });

  test("for the longest that the kernel takes, 128 kB (execve(2), MAX_ARG_STRLEN)", async () => {
    const part = "'$(x)\\\n🦀l\u0080";
    const long = part.repeat(Math.floor(131_071 / Buffer.byteLength(part)));
    expect(Buffer.byteLength(long)).toBeGreaterThan(131_000);
    expect(await arrived([long, long])).toEqual([long, long]);
  });
});

describe("what no argument can carry is refused:", () => {
  test.each(["\0", "a\0b", "\ud800", "x\udc00y"])("%j", (word) => {
    expect(() => quote(word)).toThrow(RangeError);
  });
});

describe("a word of ip -batch", () => {
  test("is refused when it is none, and kept when it is", () => {
    fc.assert(
      fc.property(hostile, (word) => {
        const plain = /^[A-Za-z0-9_.:/@%+,=~-]+$/.test(word);
        const line = () => batchLine(ip(["link", "set", "dev", word]));
        if (plain) expect(line()).toBe(`link set dev ${word}`);
        else expect(line).toThrow(RangeError);
      }),
      { numRuns: 5000 },
    );
  });
});

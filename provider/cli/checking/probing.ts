import { setTimeout as sleep } from "node:timers/promises";
import { hostOf } from "../../host/host.ts";
import { familyOf } from "../../kernel/addresses.ts";
import { type Fact, noNetns, type Reply, sh } from "../../kernel/command.ts";
import type { Connection } from "../../kernel/connection.ts";
import { probeFact } from "../../kernel/probe.ts";
import { quoteAll } from "../../kernel/quote.ts";
import type { Question, Trial, WayOut } from "./trials.ts";

/** What came of a trial. */
export interface Result extends Trial {
  held: boolean;
  /** What the tool said; what a name stood for. */
  said: string;
  /** Why it could not be tried at all. */
  fault: string | undefined;
}

/** Whether it is a finding: it is not as it should be. */
export function isWrong({ expected, held, fault }: Result): boolean {
  return fault === undefined && expected !== undefined && expected !== held;
}

/** How many are tried at a time: a ping that nobody answers takes a second. */
const atOnce = 48;

/** How often that is tried again which is not as it should be: a packet may get lost, a bridge port may just come up. */
const rounds = 3;

/** Tries everything, hosts side by side; what is wrong is tried again. */
export async function tryAll(trials: readonly Trial[]): Promise<Result[]> {
  let results = await once(trials);
  for (let round = 1; round < rounds && results.some(isWrong); round += 1) {
    await sleep(500);
    const again = await once(results.filter(isWrong));
    const next = again.values();
    results = results.map((one) => (isWrong(one) ? (next.next().value ?? one) : one));
  }
  return results;
}

async function once(trials: readonly Trial[]): Promise<Result[]> {
  const hosts = Map.groupBy(
    trials.map((trial, index) => ({ trial, index })),
    ({ trial: { connection } }) => JSON.stringify(connection ?? {}),
  );
  const results: Result[] = [];
  await Promise.all(
    [...hosts.values()].map(async (own) => {
      const replies = await onHost(
        own[0]?.trial.connection,
        own.map(({ trial }) => trial.question),
      );
      for (const [at, { trial, index }] of own.entries()) results[index] = { ...trial, ...read(trial, replies[at]) };
    }),
  );
  return results;
}

async function onHost(
  connection: Connection | undefined,
  questions: readonly Question[],
): Promise<(Reply | undefined)[]> {
  const batches = Array.from({ length: Math.ceil(questions.length / atOnce) }, (_, index) =>
    questions.slice(index * atOnce, (index + 1) * atOnce),
  );
  const host = hostOf(connection);
  const replies: (Reply | undefined)[] = [];
  // One after the other: who else asks this host meanwhile comes between.
  for (const [index, batch] of batches.entries())
    replies.push(...(await host.observe({ replies: batchFact(batch, index) })).replies);
  return replies;
}

/** Questions that are asked side by side; each answers with its number, its exit code and its last words in base64. */
function batchFact(questions: readonly Question[], number: number): Fact<(Reply | undefined)[]> {
  const lines = questions.map((question, index) => {
    const { text } = commandOf(question);
    const said = `said=$( { ${text}; } 2>&1 ); code=$?`;
    return `( ${said}; printf '%s %s %s\\n' ${index} $code "$(printf %s "$said" | tail -c 400 | base64 -w 0)" ) &`;
  });
  return {
    command: sh(`: batch ${number}\n${lines.join("\n")}\nwait`),
    parse: ({ stdout }) => {
      const found = new Map(stdout.split("\n").map((line) => [line.split(" ")[0], line.split(" ")]));
      return questions.map((_, index) => {
        const [, code, said = ""] = found.get(`${index}`) ?? [];
        if (code === undefined) return undefined;
        const text = Buffer.from(said, "base64").toString("utf8");
        return { code: Number(code), stdout: text, stderr: text };
      });
    },
  };
}

function commandOf(question: Question): { text: string } {
  if (question.kind === "reach") return probeFact(question.probe).command as { text: string };
  return { text: `limit ip netns exec ${quoteAll([question.netns, "getent", "ahosts", question.name])}` };
}

function read({ question }: Trial, reply: Reply | undefined): Pick<Result, "held" | "said" | "fault"> {
  if (!reply) return { held: false, said: "", fault: "the host did not answer" };
  const gone = noNetns.test(reply.stderr);
  if (gone) return { held: false, said: "its namespace is not there", fault: undefined };
  if (question.kind === "reach") {
    const { reached, fault, said } = probeFact(question.probe).parse(reply);
    return { held: reached, said, fault };
  }
  const found = [...new Set(reply.stdout.split("\n").flatMap((line) => line.split(/\s+/)[0] || []))];
  const held = reply.code === 0 && question.addresses.some((one) => found.includes(one));
  return { held, said: held ? "" : `it stands for ${found.join(", ") || "nothing"}`, fault: undefined };
}

/**
 * The way out of a host: its default gateway stands for the world, where the host itself reaches it.
 * @param given an address that stands for the world instead
 * @param families those of the gateway; the first of its default routes that has one of them
 */
export async function wayOut(
  connection: Connection | undefined,
  given: string | undefined,
  families: readonly (4 | 6)[] = [4, 6],
): Promise<WayOut> {
  const routes = "limit ip -4 route show default; limit ip -6 route show default";
  const first: Fact<string | undefined> = {
    command: sh(routes),
    parse: ({ stdout }) =>
      [...stdout.matchAll(/^default via (\S+)/gm)]
        .map(([, via = ""]) => via)
        .find((one) => families.includes(familyOf(one))),
  };
  const host = hostOf(connection);
  const world = given ?? (await host.observe({ first })).first;
  if (world === undefined) return { world: undefined, own: undefined };
  const own: Fact<string | undefined> = {
    command: sh(`limit ip route get ${quoteAll([world])}`),
    parse: ({ stdout }) => / src (\S+)/.exec(stdout)?.[1],
  };
  const answers = await host.observe({ own, there: probeFact({ to: world, protocol: "ping" }) });
  // Many routers answer no ping: that says nothing of the containers.
  return { world: answers.there.reached || given ? world : undefined, own: answers.own };
}

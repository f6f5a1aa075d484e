import { LinuxnetError } from "../../kernel/failure.ts";
import { didYouMean } from "../engine.ts";
import { fullName, type Place, type Topology } from "./model.ts";

/**
 * The container that is meant: by its name, by `LAB/NAME`, or by its namespace.
 * @throws LinuxnetError when there is none ("did you mean"), or several
 */
export function findPlace({ places }: Topology, given: string, stack: string): Place {
  const ways = [
    places.filter((one) => fullName(one) === given),
    places.filter(({ name }) => name === given),
    places.filter(({ netns }) => netns === given),
  ];
  const found = ways.find((list) => list.length > 0) ?? [];
  const [first] = found;
  // Containers that share a namespace are one place.
  if (first && new Set(found.map(({ host, netns }) => `${host} ${netns}`)).size === 1) return first;
  const names = [...new Set((first ? found : places).map(fullName))];
  if (!first)
    throw new LinuxnetError({
      problem: `there is no container ${given} in ${stack}`,
      remedy: didYouMean(given, names),
    });
  const remedy = `Say which: ${found.map((one) => `${fullName(one)} (${one.host || "here"})`).join(", ")}.`;
  throw new LinuxnetError({ problem: `${given} is the name of several containers in ${stack}`, remedy });
}

import { fileURLToPath } from "node:url";
import { quote, quoteAll } from "../../provider/kernel/quote.ts";
import { Machine } from "../support/machine.ts";
import { containers, furnish, type Lab, type LabContainer, networks, oneByOne, program } from "./lab.ts";

/** The folder that scripts/docker.sh has unpacked Debian's docker.io into. */
const packages = process.env.LINUXNET_DOCKER ?? "";

const script = fileURLToPath(new URL("docker.sh", import.meta.url));

/** Debian's docker.io on a machine of its own. Of it, the real machine has processes and cgroups while it runs. */
export class Docker {
  readonly machine: Machine;

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  /** Starts a machine and Docker on it; takes two seconds. */
  static async start(): Promise<Docker> {
    const docker = new Docker(await Machine.start());
    await docker.#script("start");
    return docker;
  }

  /** Runs `docker` with arguments. */
  run(...args: string[]): Promise<string> {
    return this.machine.sh(quoteAll([`${packages}/usr/bin/docker`, ...args]));
  }

  /** Gives a container's namespace its name for `ip netns exec`. */
  async enter(container: string): Promise<void> {
    await this.#script("enter", container);
  }

  /** Ends Docker, its containers and the machine. */
  async stop(): Promise<void> {
    try {
      await this.#script("stop");
    } finally {
      await this.machine.stop();
    }
  }

  #script(...args: string[]): Promise<string> {
    return this.machine.sh(`PACKAGES=${quote(packages)} bash ${quoteAll([script, ...args])}`);
  }
}

/** Makes the lab with `docker network create` and `docker run`. */
export async function dockerLab(docker: Docker): Promise<Lab> {
  await furnish(docker.machine);
  for (const { name, subnet, internal } of networks)
    await docker.run("network", "create", "--subnet", subnet, ...(internal ? ["--internal"] : []), name);
  for (const container of containers) await runContainer(docker, container);
  return { machine: docker.machine, at, attempt: oneByOne((container) => attempt(docker, container)) };
}

async function attempt(docker: Docker, container: LabContainer): Promise<string> {
  try {
    await docker.run(...runWords(container));
    return "accepted";
  } catch {
    return "refused";
  } finally {
    await docker.run("rm", "-f", container.name);
  }
}

async function runContainer(docker: Docker, container: LabContainer): Promise<void> {
  const { name, networks: [first, ...more] = [], joins } = container;
  await docker.run(...runWords(container));
  for (const network of more) await docker.run("network", "connect", network, name);
  if (first !== "host" && joins === undefined) await docker.enter(name);
}

function runWords(container: LabContainer): string[] {
  const { name, networks: [first = "none"] = [], address, aliases = [], publish = [], joins, serves } = container;
  return [
    ...["run", "-d", "--name", name, "--network", joins === undefined ? first : `container:${joins}`],
    ...(address === undefined ? [] : ["--ip", address]),
    ...aliases.flatMap((one) => ["--network-alias", one]),
    ...publish.flatMap((one) => ["-p", one]),
    ...["-v", "/usr:/usr:ro", "-v", `${program("server.py")}:/srv/server.py:ro`],
    ...["lab", "/usr/bin/python3", "/srv/server.py", ...serves],
  ];
}

function at(place: string): string[] {
  if (place === "host" || place === "open") return [];
  if (place === "world") return ["nsenter", "--net=/media/world"];
  return ["ip", "netns", "exec", place === "side" ? "web" : place];
}

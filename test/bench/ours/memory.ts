import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Machine } from "../../support/machine.ts";

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

const namespaceOf = (pid: number | string): string => {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return "";
  }
};

/** The processes of the engine's plugin for dynamic providers in a machine. */
function providers(namespace: string): string[] {
  return readdirSync("/proc").filter(
    (pid) =>
      /^\d+$/.test(pid) && read(`/proc/${pid}/cmdline`).includes("dynamic-provider") && namespaceOf(pid) === namespace,
  );
}

/**
 * Watches the provider process in a machine: VmHWM, the most memory that it had at any time (proc(5)), read every 50 ms until
 * it ends.
 *
 * @returns ends the watch and gives the peak in megabytes; 0 when no such process was there
 */
export function watchMemory(machine: Machine): () => number {
  const namespace = namespaceOf(machine.pid);
  let known: string[] = [];
  let [peak, tick] = [0, 0];
  const look = () => {
    if (tick++ % 10 === 0) known = providers(namespace);
    for (const pid of known) {
      const [, kilobytes = 0] = /^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`)) ?? [];
      peak = Math.max(peak, Number(kilobytes) / 1024);
    }
  };
  const timer = setInterval(look, 50);
  return () => {
    clearInterval(timer);
    return peak;
  };
}

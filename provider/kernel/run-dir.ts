import { type Fact, shAt } from "./command.ts";
import { quote } from "./quote.ts";

/** Where a host keeps what no kernel object can carry; gone when empty, and after a reboot. */
export const runDir = "/run/linuxnet";

/** Removes our folders as far as they are empty: nothing of ours stays when the last owner has left. */
export const tidyRunDir = `rmdir ${runDir}/claims ${runDir}/* ${runDir} 2>/dev/null`;

/** Asks whether a host keeps anything there. */
export const runDirFact: Fact<boolean> = {
  command: shAt(runDir, "echo folder"),
  parse: ({ stdout }) => stdout.trim() !== "",
};

/** A `mkdir -p` of a folder below ours, with modes that others can read. */
export function makeDir(path: string): string {
  return `mkdir -p -m 755 ${quote(path)}`;
}

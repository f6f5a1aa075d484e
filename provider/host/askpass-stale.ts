import { lstatSync, readdirSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How the names of the folders begin in which ssh's questions are answered, in the user's folder for temporary files. */
export const askpassFolder = "linuxnet-askpass-";

/** Milliseconds after which a folder in which nobody answers is not one that another process is about to serve. */
const settling = 60_000;

/**
 * Removes the folders of processes that were killed while they logged in to a host (SIGKILL leaves no time to): those of this
 * user in which nobody answers. There is no secret in them.
 */
export async function removeStale(): Promise<void> {
  await Promise.all(ownFolders().map((folder) => removeUnserved(folder)));
}

function ownFolders(): string[] {
  try {
    const names = readdirSync(tmpdir()).filter((name) => name.startsWith(askpassFolder));
    return names.map((name) => join(tmpdir(), name));
  } catch {
    // A folder that one may write to and not list has nothing to show.
    return [];
  }
}

async function removeUnserved(folder: string): Promise<void> {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (!found?.isDirectory() || found.uid !== process.getuid?.() || Date.now() - found.mtimeMs < settling) return;
  if (["ECONNREFUSED", "ENOENT"].includes(await refusal(join(folder, "ask"))))
    rmSync(folder, { recursive: true, force: true });
}

/** Why nobody answers at a socket (connect(2)); empty when somebody does. */
function refusal(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection(path, () => {
      socket.destroy();
      resolve("");
    });
    socket.on("error", ({ code = "" }: NodeJS.ErrnoException) => resolve(code));
  });
}

import { shellEnv } from "./shell.ts";

/**
 * The folders of which the first that only root can open is the host's lock: a lock that anyone can open, anyone can hold
 * for ever. Where there is none of them it is `/run`.
 */
export const lockFolders = ["/var/cache/ldconfig", "/root"] as const;

/** Which machine it is: its machine id (machine-id(5)) and the kernel's boot id (random(4)), within double quotes of a shell. */
const identityText = "$(cat /etc/machine-id 2>/dev/null) $(cat /proc/sys/kernel/random/boot_id 2>/dev/null)";

const lockChoice = lockFolders.map((folder) => `*"0700 ${folder};"*) lock=${folder} ;;`).join(" ");

/** What a script of a session is started with: what does not change while its shell lives is asked once. */
export const bootWords = '"$1" "$2"';

/** Takes them up, as the first line of a script: `identity` is which machine it is, `lock` the folder that is the host's lock. */
export const takeBootWords = "identity=$1 lock=$2";

/**
 * What a shell begins with: a known environment, whatever the host's start-up files did, what its scripts are told, and the word that
 * it is ready.
 *
 * @param tag begins each line that ends an answer
 */
export function bootScript(tag: string): string {
  const ready = `printf '\\n${tag} 0 0\\n'; printf '\\n${tag} 0\\n' >&2`;
  return [
    `PATH=${shellEnv.PATH}; LC_ALL=C; export PATH LC_ALL; umask 022; cd /`,
    // A folder is locked: nothing has to be made for it, and nothing stays.
    `lock=/run; case $(stat -c '%u%a %n;' ${lockFolders.join(" ")} 2>/dev/null) in ${lockChoice} esac`,
    `identity="${identityText}"; ${ready}; exec /bin/sh -s -- "$identity" "$lock"`,
  ].join("; ");
}

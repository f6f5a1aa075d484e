import { answered } from "./answered.ts";
import { type Fact, type Reply, type Step, sh, shAt } from "./command.ts";
import { Unseen } from "./failure.ts";
import { isAbsence } from "./links.ts";
import { isOwner, ownerText, readOwner } from "./owner.ts";
import { quote } from "./quote.ts";
import { typed, typedFile, typedLine } from "./typed.ts";

/** The files that `ip netns exec` mounts over those of /etc (ip-netns(8)): one folder per namespace. */
const root = "/etc/netns";

/** Says that we have made {@link root}. */
const rootMark = `${root}/.linuxnet-made`;

/** A file of a namespace. What accompanies it lies outside its folder: each entry there is mounted over one of /etc. */
export interface NetnsFile {
  netns: string;
  /** Its name in /etc: `resolv.conf`. */
  name: string;
}

/** How such a file stands. */
export interface SeenFile {
  /** `other`: a link, a folder, or a path that leads through a link: never written to. */
  kind: "absent" | "file" | "other";
  /** Its bytes in base64. */
  bytes: string;
  text: string;
  /** Permission bits in octal. */
  mode: string;
  /** The owner that its first line names. */
  owner: string | undefined;
}

/** The permission bits of a file that every program may read. */
export const fileMode = "644";

const folderOf = (netns: string) => `${root}/${netns}`;
const folderMark = (netns: string) => `${root}/.linuxnet-made-${netns}`;
const beside = (what: string, { netns, name }: NetnsFile) => `${root}/.linuxnet-${what}-${netns}-${name}`;

/** The path of a namespace's file. */
export function netnsPath({ netns, name }: NetnsFile): string {
  return `${folderOf(netns)}/${name}`;
}

/** The first line of a file of ours. */
export function fileHeader(owner: string, adopted: boolean): string {
  return `# ${ownerText(owner, adopted)} manages this file: what is edited here is overwritten\n`;
}

/** Asks for a file, byte for byte. */
export function netnsFileFact(file: NetnsFile): Fact<SeenFile> {
  const path = quote(netnsPath(file));
  const text = [
    `if [ -L ${quote(folderOf(file.netns))} ]; then echo 'link 0'; exit 0; fi`,
    `limit stat -c '%F,%a' ${path} || exit`,
    `[ -L ${path} ] || [ ! -f ${path} ] || limit base64 -w 0 ${path}`,
  ].join("\n");
  return { command: sh(text), parse: (reply) => seenFile(netnsPath(file), reply) };
}

function seenFile(path: string, reply: Reply): SeenFile {
  const { code, stdout, stderr } = reply;
  const none = { bytes: "", text: "", mode: "", owner: undefined };
  if (isAbsence(reply)) return { kind: "absent", ...none };
  if (code !== 0 && stderr.includes("Not a directory")) return { kind: "other", ...none };
  if (code !== 0) throw new Unseen({ problem: `cannot look at ${path}`, cause: stderr, state: "Nothing was changed." });
  const [head = "", bytes = ""] = stdout.split("\n");
  const [kind = "", mode = ""] = head.split(",");
  if (!kind.startsWith("regular")) return { kind: "other", ...none };
  const text = Buffer.from(bytes, "base64").toString("utf8");
  const named = /^# (\S+)/.exec(text)?.[1];
  return { kind: "file", bytes, text, mode, owner: isOwner(named) ? named : undefined };
}

/** Asks whether our note of a folder stands, and none of the files for which we made it: somebody has taken them away. */
export function filesLostFact(netns: string, files: readonly NetnsFile[]): Fact<boolean> {
  const there = files.map((file) => `[ -e ${quote(netnsPath(file))} ]`);
  const command = shAt(folderMark(netns), [...there, "echo lost"].join(" || "));
  return { command, parse: (reply) => !isAbsence(reply) && answered(reply).stdout.trim() !== "" };
}

/** Makes the folder of a namespace where it is missing, and notes that we did. */
export function makeFolderStep(netns: string): Step {
  const [folder, mark] = [quote(folderOf(netns)), quote(folderMark(netns))];
  const text = [
    onFailure(tidyText(netns)),
    `[ -d ${root} ] || { limit mkdir -m 755 ${root}; : >${rootMark}; }`,
    `[ -d ${folder} ] || { : >${mark}; limit mkdir -m 755 ${folder}; }`,
  ].join("\n");
  const lines = typed([`mkdir -p ${folderOf(netns)}`]);
  return { what: `make ${folderOf(netns)}`, do: sh(text), undo: [sh(tidyText(netns))], ...lines };
}

/**
 * Writes a file. A new one appears whole, by a rename. One of ours is written in place, since running programs see it
 * through a mount of its inode (docs/decisions/0006-resolv-conf-in-place.md). One of a stranger's is moved aside.
 */
export function writeFileStep(file: NetnsFile, content: string, seen: SeenFile): Step {
  const [path, fresh, former] = [netnsPath(file), beside("new", file), beside("former", file)].map(quote);
  const prepare = `printf %s ${quote(content)} | limit cat >${fresh}\nlimit chmod ${fileMode} ${fresh}`;
  const what = `write ${netnsPath(file)}`;
  const step = (finish: string, undo: string) => ({
    what,
    do: sh([onFailure(`limit rm -f ${fresh}`), prepare, finish].join("\n")),
    undo: [sh(undo)],
    ...typed([typedFile(netnsPath(file), content)]),
  });
  if (seen.kind === "absent") return step(`limit mv -f ${fresh} ${path}`, `limit rm -f ${path}`);
  if (seen.owner)
    return step(
      `limit chmod ${fileMode} ${path}\nif limit cat ${fresh} >${path}; then limit rm -f ${fresh}; else limit mv -f ${fresh} ${path}; fi`,
      `printf %s ${quote(seen.bytes)} | limit base64 -d >${path}\nlimit chmod ${seen.mode} ${path}`,
    );
  // The inode itself is kept, so that it comes back with all that it is.
  const keep = `limit rm -f ${former}\nlimit ln ${path} ${former} 2>/dev/null || limit cp -a ${path} ${former}`;
  return step(`${keep}\nlimit mv -f ${fresh} ${path}`, `limit mv -f ${former} ${path}`);
}

/** Takes a file of ours away, and puts back what stood there before we took its place. */
export function removeFileStep(file: NetnsFile): Step {
  return {
    what: `remove ${netnsPath(file)}`,
    do: sh(removeText(file)),
    ...typed([typedLine(["rm", "-f", netnsPath(file)])]),
  };
}

/**
 * Takes all files of ours of a namespace away, their folder and our note of it: in one step, since a folder without a file is nobody's.
 */
export function removeFilesStep(netns: string, files: readonly NetnsFile[]): Step {
  const paths = files.map(netnsPath);
  return {
    what: `remove ${paths.join(" and ") || `the note of ${folderOf(netns)}`}`,
    do: sh([...files.map(removeText), tidyText(netns)].join("\n")),
    ...typed(paths.length === 0 ? [] : [typedLine(["rm", "-f", ...paths])]),
  };
}

/** Takes our note of a folder away, and the folder, where somebody has taken the files: their resource may be gone for the engine. */
export function forgetFolder(netns: string): string {
  return `if [ -e ${quote(folderMark(netns))} ] && [ -z "$(ls -A ${quote(folderOf(netns))} 2>/dev/null)" ]; then\n${tidyText(netns)}\nfi`;
}

function removeText(file: NetnsFile): string {
  const [path, former] = [quote(netnsPath(file)), quote(beside("former", file))];
  return `if [ -e ${former} ] || [ -L ${former} ]; then limit mv -f ${former} ${path}; else limit rm -f ${path}; fi`;
}

/** Takes a file of ours away while its resource goes on; the inverse writes it again. */
export function dropFileStep(file: NetnsFile, seen: SeenFile): Step {
  const adopted = readOwner(seen.owner ?? "").adopted;
  const before: SeenFile = { ...seen, kind: adopted ? "file" : "absent", owner: undefined };
  return { ...removeFileStep(file), undo: [writeFileStep(file, seen.text, before).do] };
}

/** Removes the folder of a namespace, and the folder of all of them, where we have made them and nothing is left in them. */
function tidyText(netns: string): string {
  const [folder, mark] = [quote(folderOf(netns)), quote(folderMark(netns))];
  return [
    `if [ -e ${mark} ]; then limit rmdir ${folder} 2>/dev/null || :; limit rm -f ${mark}; fi`,
    `if [ -e ${rootMark} ] && ! limit grep -rqs '^# linuxnet:' ${root}; then`,
    `  limit rm -f ${rootMark}; limit rmdir ${root} 2>/dev/null || :\nfi`,
  ].join("\n");
}

/** What a fragment does before it ends, when it fails half-way. */
function onFailure(text: string): string {
  return `trap ${quote(`code=$?; [ $code = 0 ] || {\n${text}\n}; exit $code`)} EXIT`;
}

import type { VerbEntry } from "./verb.ts";

/** All verbs, in the order of the help: a new one is a file in `verbs/`, and one line here. Only the one that runs is loaded. */
// biome-ignore format: one line each
export const verbs: readonly VerbEntry[] = [
  { name: "ls", summary: "what is ours on a host and whose it is; with --stack, its objects and whether each stands", load: () => import("./verbs/ls.ts") },
  { name: "inspect", summary: "all that is known of a container, a network or an object, in the state and in the kernel", load: () => import("./verbs/inspect.ts") },
  { name: "ps", summary: "the programs of a stack", load: () => import("./verbs/ps.ts") },
  { name: "logs", summary: "what a program has printed", load: () => import("./verbs/logs.ts") },
  { name: "exec", summary: "run a program in a container", load: () => import("./verbs/exec.ts") },
  { name: "shell", summary: "a shell in a container", load: () => import("./verbs/shell.ts") },
  { name: "graph", summary: "the topology of a stack as mermaid, dot, SVG or a page", load: () => import("./verbs/graph.ts") },
  { name: "view", summary: "a page that shows a stack live: traffic, drift, what reaches what", load: () => import("./verbs/view.ts") },
  { name: "check", summary: "what reaches what, tried with real packets, and whether it should", load: () => import("./verbs/check.ts") },
  { name: "trace", summary: "follow one packet: each link, each translation, the rule that dropped it", load: () => import("./verbs/trace.ts") },
  { name: "doctor", summary: "is this host fit, and why does this lab not work?", load: () => import("./verbs/doctor.ts") },
  { name: "capture", summary: "the packets at several places at once, in one order, as text or as a pcapng", load: () => import("./verbs/capture.ts") },
  { name: "explain", summary: "what up is about to do, as the commands that a person would type", load: () => import("./verbs/explain.ts") },
  { name: "sweep", summary: "remove what is ours and no state knows any more, after showing it", load: () => import("./verbs/sweep.ts") },
  { name: "completion", summary: "print the completion script of a shell", load: () => import("./verbs/completion.ts") },
];

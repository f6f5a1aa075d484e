// Random histories of namespaces, bridges, cables, tunnels and DNS files.
import { historyTests } from "../support/histories/tests.ts";
import { cables, overlay } from "../support/histories/themes-links.ts";

historyTests({ cables: { theme: cables, runs: 25 }, overlay: { theme: overlay, runs: 15 } });

import type { LabContainer } from "./lab.ts";
import { type Probe, tcp, udp } from "./probes.ts";

/** One row of the table: what is asked of both sides, and what they answer. */
export interface Scenario {
  what: string;
  probe: Probe;
  docker: string;
  ours: string;
  /** Why they differ; only where they do. */
  why?: string;
}

/** Rows that are asked on machines in one state. */
export interface Group {
  title: string;
  /** Brings the machines into that state: lines of bash on the machine, or in the world beyond its uplink. */
  prepare?: { machine?: string; world?: string };
  /** Takes that back. */
  restore?: { machine?: string; world?: string };
  scenarios: Scenario[];
}

export const same = (what: string, probe: Probe, answer: string): Scenario => ({
  what,
  probe,
  docker: answer,
  ours: answer,
});

export const differs = (what: string, probe: Probe, docker: string, ours: string, why: string): Scenario => ({
  what,
  probe,
  docker,
  ours,
  why,
});

export const host = "203.0.113.2";
export const outside = "203.0.113.1";
export const web = "10.77.0.11";
export const far = "10.78.0.11";
export const lost = "10.79.0.11";

export const both = (what: string, from: string, to: string, port: number, answer: string): Scenario[] => [
  same(`tcp, ${what}`, tcp(from, to, port), answer),
  same(`udp, ${what}`, udp(from, to, port), answer),
];

/** Docker's answer comes from another address than was asked, and no client takes it. */
export const lostAnswer = (what: string, from: string, to: string, port: number, answer: string): Scenario[] => [
  same(`tcp, ${what}`, tcp(from, to, port), answer),
  differs(
    `udp, ${what}`,
    udp(from, to, port),
    "no",
    answer,
    "better: there, the answer comes from an address that nobody asked",
  ),
];

export const safer = (
  what: string,
  from: string,
  to: string,
  port: number,
  docker: string,
  why: string,
): Scenario[] => [
  differs(`tcp, ${what}`, tcp(from, to, port), docker, "no", `safer: ${why}`),
  differs(`udp, ${what}`, udp(from, to, port), docker, "no", `safer: ${why}`),
];

export const attempt = (
  what: string,
  container: Omit<LabContainer, "name" | "serves">,
): Omit<Scenario, "docker" | "ours"> => ({
  what,
  probe: ({ attempt }) => attempt({ ...container, name: "extra", serves: ["80"] }),
});

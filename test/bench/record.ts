/** One measurement of a subject at one size. */
export interface Measurement {
  /** The subject's name, as in `--peer`. */
  subject: string;
  /** How many hosts. */
  n: number;
  /** What was measured, by metric; seconds where the metric's name says no other unit. */
  values: Record<string, number>;
  /** The commit at which it was taken. */
  commit?: string;
  /** What is to be known about it: what a peer has left behind. */
  notes: string[];
}

/** All that a run of the bench, or several with `--keep`, has measured. */
export interface Recording {
  /** When the last measurement was taken, in ISO 8601. */
  date: string;
  /** The commit of this checkout when the last run began. */
  commit: string;
  /** The machine: processor, cores, memory, kernel. */
  machine: Record<string, string>;
  /** The versions of all that took part. */
  versions: Record<string, string>;
  /** What was asked for and could not be measured, and why. */
  missing: Record<string, string>;
  measurements: Measurement[];
}

/** What can be measured. */
export interface Subject {
  /** Its name in `--peer`. */
  name: string;
  /** Its name in the table. */
  title: string;
  /** Numbers of hosts, when `--n` gives none. */
  sizes: readonly number[];
  /** It stands in tables of its own. Default false. */
  scenario?: boolean;
  /** Fetches what it needs; says why it cannot be measured on this machine, and nothing when it can. */
  prepare(): Promise<string | undefined>;
  /** Makes and removes a lab of a number of hosts once, on a machine of its own, with proof of both. */
  measure(n: number): Promise<Omit<Measurement, "subject" | "n" | "commit">>;
}

/** The numbers of hosts of every subject. */
export const usualSizes = [10, 50, 100] as const;

import type { Cause, Finding, Scene } from "./cause.ts";
import { causes } from "./causes.ts";

/** A fault, with the name of its cause. */
export interface Named extends Finding {
  cause: string;
}

/**
 * The faults of a host, the most likely root first. What follows from one of them is left out.
 * @param known the causes in their order: what others rest on comes first
 */
export function diagnose(scene: Scene, known: readonly Cause[] = causes): Named[] {
  const broken = new Set<string>();
  const told = new Set<string>();
  const found: Named[] = [];
  for (const cause of known) {
    for (const finding of cause.find(scene)) {
      const { needs = [], urns = [], breaks } = finding;
      const follows =
        needs.some((one) => broken.has(one)) || (cause.name === "drift" && urns.some((one) => told.has(one)));
      for (const one of breaks) broken.add(one);
      for (const one of urns) told.add(one);
      if (!follows) found.push({ cause: cause.name, ...finding });
    }
  }
  return found;
}

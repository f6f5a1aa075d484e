import type { Family } from "./addresses.ts";
import { refuse } from "./failure.ts";
import type { Route } from "./routes.ts";

/** The word that stands for the interface of the default route. */
export const uplink = "uplink";

/** What is known of the default routes of a namespace. */
export interface SeenUplinks {
  routes4?: Route[];
  routes6?: Route[];
}

/**
 * The interface that a name stands for: itself, or for `uplink` that of the default route with the lowest metric.
 * @throws LinuxnetError when there is no default route
 */
export function resolveInterface(
  name: string | undefined,
  family: Family,
  { routes4 = [], routes6 = [] }: SeenUplinks,
): string | undefined {
  if (name !== uplink) return name;
  const defaults = (family === 4 ? routes4 : routes6).filter(({ to, dev }) => to === "default" && dev);
  const best = defaults.toSorted((a, b) => (a.metric ?? 0) - (b.metric ?? 0))[0];
  return (
    best?.dev ??
    refuse(
      `there is no IPv${family} default route here, so there is no uplink`,
      'Name the interface instead of "uplink".',
    )
  );
}

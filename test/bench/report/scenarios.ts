import type { Results } from "../stats.ts";
import { digits, table } from "./markdown.ts";

/** Connections a second through published ports, of ours and of iptables' rules. */
export function portsTable(results: Results): string {
  const names = { ports: "ours: one map", "ports-iptables": "rules of iptables, as Docker's" };
  const rows = Object.entries(names).flatMap(([name, title]) =>
    results.sizes(name, "rate").map((n) => {
      const of = (metric: string) => digits(results.median(name, n, metric));
      return [`${title}, N=${n}`, of("rate"), of("rateFirst"), of("up"), of("noop"), of("refreshed"), of("down")];
    }),
  );
  const head = ["connections a second", "last port", "first port", "up, s", "no-op, s", "no-op, refresh, s", "down, s"];
  return table([head, ...rows]);
}

/** The same lab on this machine, over ssh, and over ssh at a distance. */
export function distanceTable(results: Results): string {
  const rows = ["components", "lab"].flatMap((way) =>
    [way, `${way}-ssh-0ms`, `${way}-ssh-20ms`].flatMap((name) =>
      results
        .sizes(name, "up")
        .filter((n) => results.sizes(`${way}-ssh-20ms`, "up").includes(n))
        .map((n) => {
          const of = (metric: string) => results.median(name, n, metric);
          const seconds = ["up", "upOwn", "noop", "refreshed", "change", "down"].map((metric) => digits(of(metric)));
          return [`${name}, N=${n}`, ...seconds, digits(of("up") / results.median(way, n, "up")), `${of("upTrips")}`];
        }),
    ),
  );
  const head = [
    "seconds",
    "up",
    "own share",
    "no-op",
    "no-op, refresh",
    "change one",
    "down",
    "up / local",
    "round trips",
  ];
  return table([head, ...rows]);
}

/** Many machines in one `up`. */
export function machinesTable(results: Results): string {
  const rows = ["components", "lab"].flatMap((way) =>
    results.sizes(`${way}-machines`, "up").map((n) => {
      const of = (metric: string) => results.median(`${way}-machines`, n, metric);
      const metrics = [
        "up",
        "engineUp",
        "upOwn",
        "noop",
        "refreshed",
        "engineRefreshed",
        "change",
        "down",
        "engineDown",
      ];
      return [
        `${way}, N=${n}`,
        ...metrics.map((metric) => digits(of(metric))),
        `${of("resources")}`,
        digits(of("upPeakMB")),
      ];
    }),
  );
  const head = [
    "seconds",
    "up",
    "engine",
    "own share",
    "no-op",
    "no-op, refresh",
    "engine",
    "change one",
    "down",
    "engine",
    "resources",
    "peak, MB",
  ];
  return table([head, ...rows]);
}

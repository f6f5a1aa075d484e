import { z } from "zod";

/** Units of Go's time.ParseDuration, in nanoseconds. */
const units: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

const part = "(\\d+(?:\\.\\d*)?|\\.\\d+)(ns|us|µs|μs|ms|s|m|h)";
const whole = new RegExp(`^(?:${part})+$`);

/**
 * Reads a duration as Go writes it (time.ParseDuration): `50ms`, `1m30s`, `1.5h`, or `0`; never negative.
 * @returns seconds, or undefined when it is none
 */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!whole.test(text)) return undefined;
  const parts = [...text.matchAll(new RegExp(part, "g"))];
  const nanoseconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * Number(units[`${unit}`]), 0);
  return Number.isSafeInteger(Math.round(nanoseconds)) ? Math.round(nanoseconds) / 1e9 : undefined;
}

/** Writes seconds as the shortest Go duration: `50ms`, `1m30s`, `2h`; exact to the nanosecond. */
export function formatDuration(seconds: number): string {
  const nanoseconds = Math.round(seconds * 1e9);
  if (nanoseconds === 0) return "0s";
  if (nanoseconds < 1e9) {
    const [unit, size] = nanoseconds < 1e3 ? ["ns", 1] : nanoseconds < 1e6 ? ["us", 1e3] : ["ms", 1e6];
    return `${nanoseconds / Number(size)}${unit}`;
  }
  const [hours, minutes] = [Math.floor(nanoseconds / 3600e9), Math.floor((nanoseconds % 3600e9) / 60e9)];
  const rest = (nanoseconds % 60e9) / 1e9;
  return [hours && `${hours}h`, minutes && `${minutes}m`, rest && `${rest}s`].filter(Boolean).join("");
}

/** A duration of more than nothing; canonical: the shortest text. */
export const duration = z.string('must be a duration such as "50ms" or "1m30s"').transform((text, context) => {
  const seconds = parseDuration(text);
  if (seconds !== undefined && seconds > 0) return formatDuration(seconds);
  const message =
    seconds === 0 ? "must be longer than nothing" : 'must be a duration with its unit, such as "50ms" or "1m30s"';
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

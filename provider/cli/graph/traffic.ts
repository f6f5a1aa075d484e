import type { Amount, LinkCounters } from "../../kernel/counters.ts";
import type { Use } from "../counting.ts";

const units = ["B", "kB", "MB", "GB", "TB", "PB"];

/**
 * A number of bytes as people read it, in decimal units.
 * @example bytesText(1_234_000) // "1.2 MB"
 */
export function bytesText(bytes: number): string {
  const at = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const value = bytes / 1000 ** at;
  return `${at === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}

/** The counters of a link in words, as seen from its own side. */
export function countersText({ received, sent, lost }: LinkCounters): string {
  const many = (packets: number) => `${packets} packet${packets === 1 ? "" : "s"}`;
  const each = ({ bytes, packets }: Amount) => `${bytesText(bytes)} (${many(packets)})`;
  return `received ${each(received)}, sent ${each(sent)}${lost > 0 ? `, lost ${many(lost)}` : ""}`;
}

/**
 * What is received and sent, in bytes per second: short, so that a picture can leave room for it.
 * @example "\u21931.2k \u21910"
 */
export function rateText(before: LinkCounters, now: LinkCounters, seconds: number): string {
  const each = (way: "received" | "sent") => {
    const bytes = Math.max(0, Math.round((now[way].bytes - before[way].bytes) / seconds));
    return bytesText(bytes).replace(/ ?([kMGTP]?)B$/, "$1");
  };
  return `\u2193${each("received")} \u2191${each("sent")}`;
}

/** The widest text that {@link rateText} makes. */
export const widestRate = "\u219399.9M \u219199.9M";

/** How a translation is used, in words; "" where nothing is known of it. */
export function useText({ now, ever }: Use): string {
  const many = (count: number) => `${count} connection${count === 1 ? "" : "s"}`;
  const texts = [now !== undefined && `${many(now)} now`, ever !== undefined && `${many(ever)} so far`];
  return texts.filter(Boolean).join(", ");
}

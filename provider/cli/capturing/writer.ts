import { writeSync } from "node:fs";
import { interfaceBlock, packetBlock, sectionHeader } from "../../kernel/pcapng.ts";
import { type Paint, paint, plain } from "../terminal.ts";
import type { Call } from "../verb.ts";
import type { Site } from "./places.ts";
import type { Caught } from "./stream.ts";

/** Where captured packets go, in order. */
export interface Writer {
  take(one: Caught): void;
  /** What kind of packets a site has. */
  describe(site: number, linktype: number): void;
  /** There are no more. */
  end(): void;
}

/** The writer that was asked for. @param file the descriptor of a pcapng; undefined: as text */
export function writerOf(call: Call, sites: readonly Site[], file: number | undefined): Writer {
  if (file !== undefined) return toFile(call, sites, file);
  return call.json ? toJson(call, sites) : toText(call, sites);
}

const colours: readonly Paint[] = ["cyan", "yellow", "green", "magenta", "blue", "red"];

function toText({ terminal }: Call, sites: readonly Site[]): Writer {
  const width = Math.max(...sites.map(({ name }) => name.length));
  return {
    take: ({ site, at, text, first }) => {
      const name = (sites[site]?.name ?? "").padEnd(width);
      const time = first ? clock(at) : " ".repeat(15);
      terminal.write(
        `${time}  ${paint(terminal, colours[site % colours.length] ?? "cyan", `${name}  ${plain(text)}`)}\n`,
      );
    },
    describe: () => {},
    end: () => {},
  };
}

/** The time of day of this machine, as tcpdump writes it. */
function clock(at: number): string {
  const date = new Date(at / 1000);
  const two = (number: number) => `${number}`.padStart(2, "0");
  const micro = `${at % 1_000_000}`.padStart(6, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${micro}`;
}

function toJson({ terminal }: Call, sites: readonly Site[]): Writer {
  let lead = "[\n  ";
  return {
    take: ({ site, at, text }) => {
      const { name, link } = sites[site] as Site;
      terminal.write(`${lead}${JSON.stringify({ time: at / 1_000_000, place: name, link, text: plain(text) })}`);
      lead = ",\n  ";
    },
    describe: () => {},
    end: () => terminal.write(lead.startsWith("[") ? "[]\n" : "\n]\n"),
  };
}

function toFile({ terminal, json }: Call, sites: readonly Site[], file: number): Writer {
  const numbers = new Map<number, number>();
  let count = 0;
  writeSync(file, sectionHeader("linuxnet capture"));
  return {
    describe: (site, linktype) => {
      const { name, link, connection } = sites[site] as Site;
      const description = `${link}${connection?.host === undefined ? "" : ` on ${connection.host}`}`;
      writeSync(file, interfaceBlock({ name, description, linktype }));
      numbers.set(site, numbers.size);
    },
    take: ({ site, at, frame }) => {
      const number = numbers.get(site);
      if (!frame || number === undefined) return;
      writeSync(file, packetBlock(number, at, frame.length, frame.bytes));
      count += 1;
    },
    end: () =>
      json ? terminal.write(`${JSON.stringify({ packets: count })}\n`) : terminal.warn(`linuxnet: ${count} packets`),
  };
}

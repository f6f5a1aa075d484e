import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { LinuxnetError } from "../../kernel/failure.ts";

/** A file of the page. */
export interface PageFile {
  type: "text/html" | "text/css" | "text/javascript";
  text: string;
}

/** What is served. */
export interface Serving {
  /** The port on 127.0.0.1; 0: any free one. */
  port: number;
  /** The secret first part of every path. */
  token: string;
  /** By name; "" is the page itself. */
  files: ReadonlyMap<string, PageFile>;
  /** What a new reader of `events` gets first. */
  first(): string;
}

/** A page that is being served. */
export interface Served {
  url: string;
  /** How many read `events`. */
  readers(): number;
  /** Sends all of them the same event: a line of JSON. */
  send(event: string): void;
  /** Ends all connections, and listens no more. */
  close(): Promise<void>;
}

const address = "127.0.0.1";

/** Bytes that are kept for a reader. */
const mostUnread = 4_000_000;

/** Nothing from elsewhere, nothing within the page's own text, no frame around it; the token goes to nobody (CSP Level 3, Fetch). */
const headers = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/**
 * Serves a page on 127.0.0.1, to nobody who does not know the token, and only to be read.
 * @throws LinuxnetError when the port cannot be had
 */
export async function serve(serving: Serving): Promise<Served> {
  const readers = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    answer(request, response, serving, port, readers);
  });
  await listen(server, serving.port);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${address}:${port}/${serving.token}/`,
    readers: () => readers.size,
    send: (event) => {
      for (const reader of readers) {
        // One that does not read comes again by itself.
        if (reader.writableLength > mostUnread) reader.destroy();
        else reader.write(asEvent(event));
      }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", ({ code }: NodeJS.ErrnoException) => {
      const cause = code === "EADDRINUSE" ? "another program holds the port" : `${code}`;
      reject(
        new LinuxnetError({
          problem: `cannot listen on ${address}:${port}`,
          cause,
          remedy: "Name another with --port, or leave it out.",
        }),
      );
    });
    server.listen(port, address, () => resolve());
  });
}

const asEvent = (text: string) => `data: ${text}\n\n`;

function answer(
  { method, url = "", headers: { host } }: IncomingMessage,
  response: ServerResponse,
  { token, files, first }: Serving,
  port: number,
  readers: Set<ServerResponse>,
): void {
  const refuse = (code: number, text: string, more: Record<string, string> = {}) =>
    response.writeHead(code, { ...headers, ...more, "Content-Type": "text/plain" }).end(`${text}\n`);
  // Any site's name can be made to lead to 127.0.0.1: its pages would send its own name here (DNS rebinding).
  if (host !== `${address}:${port}` && host !== `localhost:${port}`)
    return void refuse(421, "This page is of 127.0.0.1.");
  if (method !== "GET") return void refuse(405, "This page can only be read.", { Allow: "GET" });
  const [, given = "", name = ""] = /^\/([^/?#]*)\/([^/?#]*)$/.exec(url) ?? [];
  if (!isSame(given, token)) return void refuse(404, "There is no such page.");
  if (name === "events") return void follow(response, first(), readers);
  const file = files.get(name);
  if (!file) return void refuse(404, "There is no such page.");
  response.writeHead(200, { ...headers, "Content-Type": `${file.type}; charset=utf-8` }).end(file.text);
}

/** In the same time whatever is given: of equal lengths, by their hashes. */
function isSame(one: string, other: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}

/** Server-sent events (HTML, 9.2). */
function follow(response: ServerResponse, first: string, readers: Set<ServerResponse>): void {
  response.writeHead(200, { ...headers, "Content-Type": "text/event-stream" });
  response.write(`retry: 1000\n${asEvent(first)}`);
  readers.add(response);
  response.on("close", () => readers.delete(response));
}

import { mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa, type ResultPromise } from "execa";
import type { Machine } from "./machine.ts";
import { checkout } from "./stack.ts";

/** No window, no network but what a page asks for, nothing of its own on the disk but in a folder that goes with it. */
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--hide-scrollbars",
  "--remote-debugging-pipe",
];

type Bag = Record<string, unknown>;

interface Message {
  id?: number;
  method?: string;
  params?: Bag;
  sessionId?: string;
  result?: Bag;
  error?: { message: string };
}

interface Waiting {
  resolve(result: Bag): void;
  reject(error: Error): void;
}

/** Debian's Chromium, driven by the DevTools protocol over a pipe of its own: no port is open. */
export class Browser {
  readonly #child: ResultPromise;
  readonly #folder: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #heard = new Map<string, (message: Message) => void>();
  #next = 0;

  private constructor(child: ResultPromise, folder: string) {
    this.#child = child;
    this.#folder = folder;
    let rest = "";
    const pipe = child.stdio[4] as NodeJS.ReadableStream;
    pipe.setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest + text).split("\0");
      rest = parts.pop() ?? "";
      for (const part of parts) this.#read(JSON.parse(part));
    });
    pipe.on("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("Chromium has ended"));
    });
  }

  /** Fetches Chromium where it is not there yet (scripts/chromium.sh), and starts it, within a machine where one is given. */
  static async launch(machine?: Machine): Promise<Browser> {
    await execa("sh", [join(checkout, "scripts/chromium.sh")], { stdin: "ignore" });
    const folder = mkdtempSync(join(tmpdir(), "linuxnet-chromium-"));
    const program = join(process.env.LINUXNET_CHROMIUM ?? join(homedir(), ".cache/linuxnet-chromium"), "run");
    const words: [string, ...string[]] = [program, ...flags, `--user-data-dir=${folder}`];
    const [file, ...args] = machine ? machine.enter(words) : words;
    const stdio = ["ignore", "ignore", "ignore", "pipe", "pipe"] as const;
    const env = { HOME: folder, XDG_CACHE_HOME: folder, XDG_CONFIG_HOME: folder };
    return new Browser(execa(file, args, { stdio: [...stdio], buffer: false, reject: false, env }), folder);
  }

  #read(message: Message): void {
    if (message.id === undefined) return void this.#heard.get(message.sessionId ?? "")?.(message);
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error) waiting?.reject(new Error(message.error.message));
    else waiting?.resolve(message.result ?? {});
  }

  /** Calls a method of the protocol. */
  call(method: string, params: Bag = {}, sessionId?: string): Promise<Bag> {
    this.#next += 1;
    const id = this.#next;
    const pipe = this.#child.stdio[3] as NodeJS.WritableStream;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      pipe.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** Opens a page in a window of some size. */
  async open(url: string, width = 1280, height = 720): Promise<Page> {
    const { targetId } = await this.call("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.call("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId as string);
    this.#heard.set(sessionId as string, (message) => page.hear(message.method ?? "", message.params ?? {}));
    await page.begin(url, width, height);
    return page;
  }

  /** Ends it, and removes what it wrote. */
  async close(): Promise<void> {
    await this.call("Browser.close").catch(() => {});
    await this.#child;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** A page in the browser. */
export class Page {
  /** What the page complained of: errors of its program, and what its policy forbade. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  readonly #session: string;

  constructor(browser: Browser, session: string) {
    this.#browser = browser;
    this.#session = session;
  }

  #call(method: string, params: Bag = {}): Promise<Bag> {
    return this.#browser.call(method, params, this.#session);
  }

  /** Notes a complaint. */
  hear(method: string, params: Bag): void {
    const { entry, exceptionDetails } = params as { entry?: { level: string; text: string }; exceptionDetails?: Bag };
    if (method === "Log.entryAdded" && entry?.level === "error") this.complaints.push(entry.text);
    if (exceptionDetails) this.complaints.push(JSON.stringify(exceptionDetails));
  }

  /** Goes to an address, and waits until the page is there. */
  async begin(url: string, width: number, height: number): Promise<void> {
    await Promise.all(["Page", "Runtime", "Log"].map((domain) => this.#call(`${domain}.enable`)));
    await this.resize(width, height);
    const { errorText } = await this.#call("Page.navigate", { url });
    if (errorText) throw new Error(`${url}: ${errorText}`);
    await this.waitFor("document.readyState === 'complete'");
  }

  /** What an expression of JavaScript is in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.#call("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (answer.exceptionDetails) throw new Error(JSON.stringify(answer.exceptionDetails));
    return (answer.result as { value?: unknown }).value;
  }

  /** Waits until an expression is true in the page; throws with what the page says when it does not become so. */
  async waitFor(expression: string, seconds = 60): Promise<void> {
    for (let left = seconds * 10; left > 0; left -= 1) {
      if ((await this.evaluate(expression).catch(() => false)) === true) return;
      await sleep(100);
    }
    throw new Error(`never true: ${expression}\n${await this.evaluate("document.body.innerText")}`);
  }

  /** Moves the pointer, or turns the wheel there. */
  async pointer(
    type: "mouseMoved" | "mousePressed" | "mouseReleased" | "mouseWheel",
    x: number,
    y: number,
    deltaY = 0,
  ): Promise<void> {
    const button = type === "mousePressed" || type === "mouseReleased" ? { button: "left", clickCount: 1 } : {};
    await this.#call("Input.dispatchMouseEvent", { type, x, y, deltaX: 0, deltaY, ...button });
  }

  /** Gives its window another size. */
  async resize(width: number, height: number): Promise<void> {
    await this.#call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
  }

  /** The page as a PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.#call("Page.captureScreenshot", { format: "png" });
    return Buffer.from(data as string, "base64");
  }
}

/**
 * Cuts two streams into the answers of numbered requests. An answer's stdout ends with the line `TAG NUMBER CODE`, its
 * stderr with `TAG NUMBER`; the tag is random, so that nothing that a command prints can look like it.
 */
export class Frames {
  readonly #out: Stream;
  readonly #err: Stream;
  #onReply: (number: number, code: number, stdout: string, stderr: string) => void;

  constructor(tag: string, onReply: (number: number, code: number, stdout: string, stderr: string) => void) {
    this.#out = new Stream(tag, () => this.#match());
    this.#err = new Stream(tag, () => this.#match());
    this.#onReply = onReply;
  }

  stdout(chunk: string): void {
    this.#out.push(chunk);
  }

  stderr(chunk: string): void {
    this.#err.push(chunk);
  }

  /** What has come on stderr that belongs to no answer yet: the last words of a shell that ended. */
  lastWords(): string {
    return this.#err.rest();
  }

  #match(): void {
    for (const [number, { code, text }] of this.#out.done) {
      const err = this.#err.done.get(number);
      if (!err) continue;
      this.#out.done.delete(number);
      this.#err.done.delete(number);
      this.#onReply(number, code, text, err.text);
    }
  }
}

class Stream {
  readonly done = new Map<number, { code: number; text: string }>();
  readonly #end: RegExp;
  readonly #tag: string;
  readonly #onDone: () => void;
  #chunks: string[] = [];
  /** The end of what has come, long enough for the line that ends an answer. */
  #tail = "";

  constructor(tag: string, onDone: () => void) {
    this.#tag = tag;
    this.#end = new RegExp(`\\n${tag} (\\d+)(?: (\\d+))?\\n`);
    this.#onDone = onDone;
  }

  push(chunk: string): void {
    this.#chunks.push(chunk);
    // The tag may be split between chunks: look at the seam, and join all only when an end is there.
    const seam = this.#tail + chunk;
    this.#tail = seam.slice(-this.#tag.length - 32);
    if (!seam.includes(this.#tag)) return;
    let text = this.#chunks.join("");
    for (let match = this.#end.exec(text); match; match = this.#end.exec(text)) {
      this.done.set(Number(match[1]), { code: Number(match[2] ?? 0), text: text.slice(0, match.index) });
      text = text.slice(match.index + match[0].length);
    }
    this.#chunks = text === "" ? [] : [text];
    this.#tail = text.slice(-this.#tag.length - 32);
    this.#onDone();
  }

  rest(): string {
    return this.#chunks.join("");
  }
}

/** Puts what comes from several places into one order: each waits a moment, for what may have happened before it. */
export class Ordered<T extends { at: number }> {
  #waiting: { due: number; one: T }[] = [];
  readonly #give: (one: T) => void;
  readonly #patience: number;
  readonly #timer: NodeJS.Timeout;

  /** @param patience milliseconds that each waits */
  constructor(give: (one: T) => void, patience = 300) {
    this.#give = give;
    this.#patience = patience;
    this.#timer = setInterval(() => this.#flush(Date.now()), patience / 3);
  }

  /** Takes the next one. */
  take(one: T): void {
    this.#waiting.push({ due: Date.now() + this.#patience, one });
  }

  /** Gives what is left; nothing may come behind it. */
  end(): void {
    clearInterval(this.#timer);
    this.#flush(Number.POSITIVE_INFINITY);
  }

  #flush(now: number): void {
    // What is due takes everything along that happened before it.
    const last = Math.max(
      Number.NEGATIVE_INFINITY,
      ...this.#waiting.filter(({ due }) => due <= now).map(({ one }) => one.at),
    );
    const ready = this.#waiting.filter(({ one }) => one.at <= last);
    this.#waiting = this.#waiting.filter(({ one }) => one.at > last);
    for (const { one } of ready.toSorted((a, b) => a.one.at - b.one.at)) this.#give(one);
  }
}

/**
 * Turns any string into one word of a POSIX shell: what the command receives is what was given, byte for byte.
 *
 * @param word any well-formed text without NUL, which no argument of a process can hold (execve(2))
 * @returns the word in single quotes (POSIX.1-2017, Shell Command Language, 2.2.2)
 * @throws RangeError for a NUL or half a surrogate pair, which no argument can carry
 * @example quote("it's") // 'it'\''s'
 */
export function quote(word: string): string {
  if (word.includes("\0")) throw new RangeError("a shell word cannot hold a NUL character");
  if (!word.isWellFormed()) throw new RangeError("a shell word cannot hold half a surrogate pair");
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Quotes every word of an argv and joins them by spaces. */
export function quoteAll(argv: readonly string[]): string {
  return argv.map(quote).join(" ");
}

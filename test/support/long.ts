/** Whether the long run is asked for (`npm run test:long`): the same tests, with all of what the default run takes a part of. */
export const long = process.env.LINUXNET_LONG !== undefined;

/** All of a list in the long run; else so many of its items, spread evenly, the first among them. */
export function part<T>(all: readonly T[], count: number): readonly T[] {
  if (long || all.length <= count) return all;
  return Array.from({ length: count }, (_, index) => all[Math.floor((index * all.length) / count)] as T);
}

/** Whether the long run is asked for (`npm run test:long`): the same tests, with all of what the default run takes a part of. */
export const long = process.env.LINUXNET_LONG !== undefined;

/** All of a list in the long run; else so many of its items, as {@link some} takes them. */
export function part<T>(all: readonly T[], count: number): readonly T[] {
  return long ? all : some(all, count);
}

/** So many items of a list, spread evenly, the first among them; all when there are no more. */
export function some<T>(all: readonly T[], count: number): readonly T[] {
  if (all.length <= count) return all;
  return Array.from({ length: count }, (_, index) => all[Math.floor((index * all.length) / count)] as T);
}

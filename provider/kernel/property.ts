/** The property at a path (`peer.name`). */
export function propertyAt(bag: Record<string, unknown>, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], bag);
}

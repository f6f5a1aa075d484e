import { z } from "zod";

/** An object whose keys are data. The key `__proto__` is refused: zod would drop it without a word. */
export function dictionary<K extends z.ZodType<string, string>, V extends z.ZodType>(
  key: K,
  value: V,
  what = "must be an object",
) {
  return z
    .custom<Record<string, z.input<V>>>(
      (given) => typeof given === "object" && given !== null && !Array.isArray(given),
      { message: what, abort: true },
    )
    .refine((given) => !Object.hasOwn(given, "__proto__"), "must not have the key __proto__")
    .pipe(z.record(key, value) as z.ZodType<Record<string, z.output<V>>, Record<string, z.input<V>>>);
}

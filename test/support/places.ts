import { z } from "zod";
import { common } from "../../provider/lifecycle/check.ts";
import type { Definition } from "../../provider/lifecycle/definition.ts";
import { fullSamples } from "./full-samples.ts";

type Bag = Record<string, unknown>;

/** A place within inputs: a property, an item of a list, a value of a dictionary, or (last) the name of that value. */
export type Part = string | number | { value: string } | { key: string };

/** A place in words, the same for inputs and schemas: `peer.routes[].to`, `hosts{}`, `hosts{key}`. */
export function placeText(path: readonly Part[]): string {
  const words = path.map((part) => {
    if (typeof part === "number") return "[]";
    if (typeof part === "string") return `.${part}`;
    return "key" in part ? "{key}" : "{}";
  });
  return words.join("").replace(/^\./, "");
}

/** Every place of inputs that holds a text, a number or a truth value, and every name in a dictionary. */
function placesOf(definition: Definition, args: Bag): Part[][] {
  return Object.entries(args).flatMap(([key, value]) => places(fieldsOf(definition)[key], value, [key]));
}

function fieldsOf({ fields }: Definition): z.ZodRawShape {
  return { ...fields, ...common };
}

function places(schema: unknown, value: unknown, path: readonly Part[]): Part[][] {
  if (typeof value !== "object" || value === null) return [[...path]];
  const forms = formsOf(schema);
  if (Array.isArray(value)) {
    const item = forms.find((form) => form instanceof z.ZodArray)?.element;
    // The last one: the first word of a command is the program's name.
    return value.slice(-1).flatMap((inner) => places(item, inner, [...path, value.length - 1]));
  }
  const record = forms.find((form) => form instanceof z.ZodRecord);
  if (record)
    return Object.entries(value)
      .slice(0, 1)
      .flatMap(([key, inner]) => [[...path, { key }], ...places(record.valueType, inner, [...path, { value: key }])]);
  const shape = forms.find((form) => form instanceof z.ZodObject)?.shape as z.ZodRawShape;
  return Object.entries(value).flatMap(([key, inner]) => places(shape[key], inner, [...path, key]));
}

/** One place, and good inputs that hold it. */
export interface Place {
  args: Bag;
  path: readonly Part[];
}

/** The one kind whose connection is looked at: it is the same schema for all. */
const connected = "Netns";

/** Every place of a kind's inputs, each once, with good inputs around it. */
export function eachPlace(definition: Definition): Place[] {
  const found = new Map<string, Place>();
  for (const args of fullSamples[definition.kind] ?? [])
    for (const path of placesOf(definition, args)) {
      const text = placeText(path);
      if (path[0] === "connection" && definition.kind !== connected) continue;
      if (!found.has(text)) found.set(text, { args, path });
    }
  return [...found.values()];
}

/** Every place that a kind's schema has, in words: what {@link placesOf} of enough inputs must come to. */
export function schemaPlaces(definition: Definition): string[] {
  const found = Object.entries(fieldsOf(definition)).flatMap(([key, schema]) => inSchema(schema, [key]));
  return [...new Set(found.map(placeText))];
}

function inSchema(schema: unknown, path: readonly Part[]): Part[][] {
  return formsOf(schema).flatMap((form) => {
    if (form instanceof z.ZodArray) return inSchema(form.element, [...path, 0]);
    if (form instanceof z.ZodRecord)
      return [[...path, { key: "" }], ...inSchema(form.valueType, [...path, { value: "" }])];
    if (!(form instanceof z.ZodObject)) return [[...path]];
    return Object.entries(form.shape).flatMap(([key, inner]) => inSchema(inner, [...path, key]));
  });
}

/** What a schema takes, without its defaults, options and transformations: several forms for a union. */
function formsOf(schema: unknown): z.ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return formsOf(schema.unwrap());
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(formsOf);
  // A dictionary is looked at before it is a record.
  if (schema instanceof z.ZodPipe) return formsOf(schema.out instanceof z.ZodRecord ? schema.out : schema.in);
  return [schema as z.ZodType];
}

/** A copy of inputs with something else in one place. */
export function withPlace(args: Bag, [part, ...rest]: readonly Part[], text: unknown): Bag {
  return replaced(args, [part as Part, ...rest], text) as Bag;
}

function replaced(value: unknown, [part, ...rest]: readonly Part[], text: unknown): unknown {
  if (part === undefined) return text;
  if (typeof part === "number")
    return (value as unknown[]).with(part, replaced((value as unknown[])[part], rest, text));
  if (typeof part === "string") return { ...(value as Bag), [part]: replaced((value as Bag)[part], rest, text) };
  const entries = Object.entries(value as Bag);
  const changed = entries.map(([name, inner]) => {
    if ("key" in part) return [name === part.key ? `${text}` : name, inner] as const;
    return [name, name === part.value ? replaced(inner, rest, text) : inner] as const;
  });
  return Object.fromEntries(changed);
}

/** What stands in one place; of a name in a dictionary the name, when it is there. */
export function atPlace(value: unknown, [part, ...rest]: readonly Part[], name?: string): unknown {
  if (part === undefined || typeof value !== "object" || value === null) return value;
  if (typeof part === "object" && "key" in part) return Object.hasOwn(value, `${name}`) ? name : undefined;
  const key = typeof part === "object" ? part.value : part;
  return atPlace((value as Bag)[key], rest, name);
}

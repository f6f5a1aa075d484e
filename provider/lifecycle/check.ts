import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { connection } from "../kernel/connection.ts";
import { visible } from "../kernel/failure.ts";
import type { Definition, Issue } from "./definition.ts";
import { sealOwner } from "./identity.ts";

type Bag = Record<string, unknown>;

/** What stands for a value that is not known at preview (the SDK's `unknownValue`). */
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The inputs that the class and the engine add; a user never writes them. */
const internal = ["owner", "__provider"];

/** The inputs of every resource, each with its schema. */
export const common = {
  adopt: z.boolean("must be true or false").default(false),
  connection: connection.optional(),
};

/** The names of all inputs of a kind. */
export function inputKeys({ fields, derived = [] }: Pick<Definition, "fields" | "derived">): string[] {
  return [...Object.keys(common), ...Object.keys(fields), ...derived, "owner", "drift"];
}

/**
 * Checks and completes inputs: canonical values, defaults, refusals by property. Values that are not known yet pass as
 * they are, and rules that need them wait until they are.
 *
 * @param olds the inputs of the last run; the owner's seal is kept from them
 */
export function check(definition: Definition, olds: Bag, news: Bag): { inputs: Bag; failures: Issue[] } {
  const fields: z.ZodRawShape = { ...definition.fields, ...common };
  const failures = [...oddKeys(news, z.strictObject(fields), "")];
  let inputs: Bag = { owner: sealOwner(`${news.owner ?? ""}`, olds.owner) };
  let complete = true;
  for (const [key, schema] of Object.entries(fields)) {
    const value = withoutNulls(news[key]);
    if (hasUnknown(value)) {
      complete = false;
      inputs[key] = value;
      continue;
    }
    const result = (schema as z.ZodType).safeParse(value);
    if (!result.success) failures.push(...result.error.issues.flatMap((issue) => asFailure(key, issue)));
    else if (result.data !== undefined) inputs[key] = result.data;
  }
  if (failures.length === 0 && complete) {
    inputs = definition.derive ? definition.derive(inputs, olds) : inputs;
    failures.push(...(definition.rules?.(inputs) ?? []));
  }
  const shown = failures.map(({ property, reason }) => ({ property: visible(property), reason: visible(reason) }));
  return { inputs, failures: shown };
}

/** A value without its nulls: the engine has them where an output turned out to be undefined. */
function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined;
  if (typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const kept = Object.entries(value).map(([key, inner]) => [key, withoutNulls(inner)] as const);
  return Object.fromEntries(kept.filter(([, inner]) => inner !== undefined));
}

/** Whether a value is, or holds, one that is not known yet. */
export function hasUnknown(value: unknown): boolean {
  if (value === unknownValue) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasUnknown);
}

function asFailure(key: string, issue: z.core.$ZodIssue): Issue[] {
  if (issue.code === "unrecognized_keys") return [];
  if (issue.code === "invalid_key")
    return [{ property: pathText([key, ...issue.path]), reason: `its name ${issue.issues[0]?.message}` }];
  if (issue.code === "invalid_union") {
    const shallow = (code: string, path: unknown[]) => path.length === 0 && /^invalid_(type|value)$/.test(code);
    const inner = issue.errors.flat().filter(({ code, path }) => !shallow(`${code}`, path));
    const deepest = inner.toSorted((a, b) => b.path.length - a.path.length)[0];
    if (deepest) return asFailure(key, { ...deepest, path: [...issue.path, ...deepest.path] });
  }
  return [{ property: pathText([key, ...issue.path]), reason: issue.message }];
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index ? "." : ""}${String(part)}`))
    .join("");
}

/** Keys that no schema names, at every depth, each with the name that was probably meant. */
function oddKeys(value: unknown, schema: unknown, at: string): Issue[] {
  if (typeof value !== "object" || value === null) return [];
  if (Object.getPrototypeOf(value) !== Object.prototype && !Array.isArray(value)) {
    return [{ property: at ? `${at}.__proto__` : "__proto__", reason: "this key is not allowed" }];
  }
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray && Array.isArray(value)) {
    return value.flatMap((item, index) => oddKeys(item, inner.element, `${at}[${index}]`));
  }
  if (inner instanceof z.ZodRecord)
    return Object.entries(value).flatMap(([key, item]) => oddKeys(item, inner.valueType, `${at}.${key}`));
  if (!(inner instanceof z.ZodObject)) return [];
  const shape = inner.shape as z.ZodRawShape;
  const known = Object.keys(shape);
  return Object.entries(value).flatMap(([key, item]) => {
    const property = at ? `${at}.${key}` : key;
    if (Object.hasOwn(shape, key)) return oddKeys(item, shape[key], property);
    if (at === "" && internal.includes(key)) return [];
    const meant = closest(key, known);
    return [{ property, reason: `there is no such property; did you mean "${meant}"?` }];
  });
}

function unwrap(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap());
  }
  if (schema instanceof z.ZodUnion)
    return schema.options.map(unwrap).find((option) => option instanceof z.ZodArray || option instanceof z.ZodObject);
  if (!(schema instanceof z.ZodPipe)) return schema;
  // A dictionary is looked at before it is a record.
  return schema.out instanceof z.ZodRecord ? schema.out : unwrap(schema.in);
}

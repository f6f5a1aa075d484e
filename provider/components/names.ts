import * as pulumi from "@pulumi/pulumi";
import { derivedName } from "../kernel/names.ts";

/**
 * The name of a link or namespace for a component: readable, at most 15 bytes, the same on every run, and not that of another
 * component, stack or project.
 *
 * @param name the component's name
 * @param end what is named, where a component has several (`0`, `1` for the links of a container)
 * @example linkNameFor("web") // "web-3fa9c1"
 */
export function linkNameFor(name: string, end = ""): string {
  return derivedName([pulumi.getProject(), pulumi.getStack()], name, end);
}

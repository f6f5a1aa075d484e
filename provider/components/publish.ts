import * as pulumi from "@pulumi/pulumi";
import { type PublishedPort, readPublish as read } from "../kernel/publish-notation.ts";
import type { PortPublishArgs } from "../resources/portPublish.ts";

/** A published port of a container: Docker's notation, or the inputs of a PortPublish without its target's address. */
export type PublishArgs = string | Omit<PortPublishArgs, "targetAddress">;

/**
 * Reads Docker's notation of published ports (docker run --publish), in a program.
 * @throws RunError that points at the part that is wrong
 */
export function readPublish(text: string): PublishedPort[] {
  try {
    return read(text);
  } catch (error) {
    throw new pulumi.RunError(`publish "${text}": ${error instanceof Error ? error.message : error}`);
  }
}

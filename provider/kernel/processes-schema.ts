import { z } from "zod";
import { duration, parseDuration } from "./duration.ts";
import { ownerVariable } from "./processes-launch.ts";
import { port, text } from "./schema.ts";

/** An argument of a program. */
export const word = text.refine(
  (given) => !given.includes("\0"),
  "must not contain a NUL character, which no argument can hold (execve(2))",
);

/** The name of a variable. */
export const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must consist of letters, digits and _, and not begin with a digit")
  .refine((name) => name !== ownerVariable, "must not be LINUXNET_OWNER, which is set by linuxnet itself");

/** What is waited for. */
export const ready = z
  .strictObject(
    {
      tcp: port.optional(),
      udp: port.optional(),
      log: word
        .min(1, "must not be empty")
        .refine((text) => !/[\r\n]/.test(text), "must be a part of one line")
        .optional(),
      timeout: duration.default("30s"),
    },
    "must be an object such as { tcp: 80 }",
  )
  .refine(({ tcp, udp, log }) => [tcp, udp, log].some((one) => one !== undefined), "must have one of tcp, udp and log");

/** When a program that has ended is started again. */
export const restart = z.enum(["no", "on-failure", "always"], 'must be "no", "on-failure" or "always"');

/** How long a program may take to end: up to 10 minutes. */
export const stopTimeout = duration.refine((text) => Number(parseDuration(text)) <= 600, "must be at most 10m");

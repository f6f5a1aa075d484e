import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { LinuxnetError } from "../kernel/failure.ts";
import { type Stack, stackOf } from "./stack.ts";

const shape = z.looseObject({
  deployment: z.looseObject({
    resources: z
      .array(
        z.looseObject({
          urn: z.string(),
          type: z.string(),
          parent: z.string().optional(),
          inputs: z.record(z.string(), z.unknown()).optional(),
          outputs: z.record(z.string(), z.unknown()).optional(),
        }),
      )
      .nullish(),
  }),
});

/**
 * Reads a stack from a file that `pulumi stack export` has written.
 *
 * @param folder in which a relative path begins
 * @throws LinuxnetError when it cannot be read, or is something else
 */
export function readStateFile(folder: string, file: string): Stack {
  const { success, data } = shape.safeParse(parsed(resolve(folder, file), file));
  if (!success)
    throw new LinuxnetError({
      problem: `${file} is no state of a stack`,
      remedy: `Write one with \`pulumi stack export >${file}\`.`,
    });
  const resources = (data.deployment.resources ?? []).map(({ parent, inputs, outputs, urn, type }) => ({
    urn,
    type,
    ...(parent !== undefined && { parent }),
    ...(inputs && { inputs }),
    ...(outputs && { outputs }),
  }));
  const [urn = ""] = resources.map((one) => one.urn);
  return stackOf(urn.split("::")[0]?.replace(/^urn:pulumi:/, "") ?? "", resources, urn);
}

function parsed(path: string, file: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new LinuxnetError({ problem: `cannot read ${file}`, cause: (error as NodeJS.ErrnoException).code ?? "" });
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

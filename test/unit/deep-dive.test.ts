// The smoke checks of the example `deep-dive`: declared with @pulumi/command, whose plugin can't be had everywhere. The engine's
// mocks stand for it, in a preview and in an update.
import * as pulumi from "@pulumi/pulumi";
import { expect, test, vi } from "vitest";

const commandType = "command:local:Command";

/** What the example declares: everything that it registers, in a preview or in an update. */
async function declared(preview: boolean, smoke: boolean): Promise<pulumi.runtime.MockResourceArgs[]> {
  const seen: pulumi.runtime.MockResourceArgs[] = [];
  const newResource = (args: pulumi.runtime.MockResourceArgs) => {
    seen.push(args);
    const outputs =
      args.type === commandType ? { stdout: "ok  uplink: eth0" } : { pid: 7, url: "http://127.0.0.1:8080/" };
    return { id: args.name, state: { ...args.inputs, ...outputs } };
  };
  const settings = { smoke: `${smoke}`, world: '["203.0.113.1"]', outside: '{"netns":"outside"}' };
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(settings).map(([key, value]) => [`deep-dive:${key}`, value])),
  );
  await pulumi.runtime.setMocks({ newResource, call: () => ({}) }, "deep-dive", "dev", preview);
  vi.resetModules();
  const program = (await import("../../examples/deep-dive/index.ts")) as { smoke: pulumi.Output<string> | undefined };
  const said = program.smoke && (await new Promise((resolve) => program.smoke?.apply(resolve)));
  expect(said).toBe(smoke ? "ok  uplink: eth0" : undefined);
  await vi.waitFor(() => expect(seen.map(({ name }) => name)).toContain("no way in"), { timeout: 30_000 });
  return seen;
}

test.each([true, false])(
  "the checks run last, and once more when something is another one (preview: %s)",
  async (preview) => {
    const seen = await declared(preview, true);
    expect(seen.at(-1)).toMatchObject({ type: commandType, name: "checks" });
    expect(seen.at(-1)?.inputs).toMatchObject({
      create: expect.stringMatching(/^(sudo -n )?sh checks\.sh 203\.0\.113\.1$/),
      dir: expect.stringMatching(/examples\/deep-dive$/),
      triggers: expect.arrayContaining([7, "http://127.0.0.1:8080/"]),
    });
  },
);

test("without the setting nothing asks for the plugin", async () => {
  const seen = await declared(true, false);
  expect(seen.length).toBeGreaterThan(10);
  expect(seen.map(({ type }) => type)).not.toContain(commandType);
});

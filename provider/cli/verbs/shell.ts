import { attached } from "../../host/attached.ts";
import { quote } from "../../kernel/quote.ts";
import { plain } from "../terminal.ts";
import { fullName } from "../topology/model.ts";
import type { Verb } from "../verb.ts";
import { inPlace, inside, onTerminal, placeIn } from "./exec.ts";

/** `linuxnet shell CONTAINER`: a shell in a container. */
export const verb: Verb = {
  names: "containers",
  examples: ["shell web", "shell -u nobody web"],
  declare: (command) => void inPlace(command),
  async run(call) {
    const [container] = call.args as [string];
    const { user } = call.options as { user?: string };
    const place = await placeIn(call, container);
    // Debian's bashrc shows this before the prompt.
    const prompt = quote(`debian_chroot=${plain(fullName(place))}`);
    const best = quote("if command -v bash >/dev/null; then exec bash; else exec sh; fi");
    return attached(place.connection, inside(place, `env ${prompt} sh -c ${best}`, user), onTerminal());
  },
};

// What ssh and ssh-add run to ask for a password (SSH_ASKPASS, ssh(1)), and what hands a key to ssh-add: it asks the
// provider over a socket that only its user can reach, so no secret is in a file, an argument or the environment.
import { createConnection } from "node:net";

const [, , question = ""] = process.argv;
const socket = createConnection(process.env.LINUXNET_ASKPASS ?? "");
socket.on("error", () => process.exit(1));
socket.on("connect", () => socket.write(`${JSON.stringify(question)}\n`));
socket.pipe(process.stdout);

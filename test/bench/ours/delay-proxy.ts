// delay-proxy.ts PORT HOST HOSTPORT DELAY: a wire to HOST:HOSTPORT from 127.0.0.1:PORT on which each byte is under way for half
// of DELAY milliseconds in each direction, however many there are. A connection takes a whole DELAY to be made.
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const [port = 0, , hostPort = 0, delay = 0] = process.argv.slice(2).map(Number);
const host = process.argv[3];

/** Passes on what comes, in its order, each chunk half a round trip later. */
function carry(from: Socket, to: Socket): void {
  const later = (act: () => void) => setTimeout(() => to.destroyed || act(), delay / 2);
  from.on("data", (chunk) => later(() => to.write(chunk)));
  from.on("end", () => later(() => to.end()));
  from.on("close", () => later(() => to.destroySoon()));
  from.on("error", () => {});
}

createServer({ noDelay: true, pauseOnConnect: true, allowHalfOpen: true }, async (near) => {
  await sleep(delay);
  const far = connect({ host, port: hostPort, noDelay: true, allowHalfOpen: true });
  carry(near, far);
  carry(far, near);
  near.resume();
}).listen(port, "127.0.0.1");

"""A chat server: what one client says, all others read. `python3 server.py [PORT]`"""

import socketserver
import sys
import threading

room = {}
lock = threading.Lock()


def tell(text, but=None):
    """Sends a line to all in the room but one."""
    with lock:
        for name, send in room.items():
            if name != but:
                try:
                    send(f"{text}\n".encode())
                except OSError:
                    pass  # Its own thread sees that it has left.


class Client(socketserver.StreamRequestHandler):
    """One client. The first line that it sends is its name."""

    def handle(self):
        name = self.rfile.readline().decode(errors="replace").strip()
        with lock:
            taken = name in room or not name
            if not taken:
                room[name] = self.request.sendall
                here = len(room)
        if taken:
            self.request.sendall(f"* the name {name} is taken\n".encode())
            return
        print(f"{name} comes from {self.client_address[0]}", flush=True)
        tell(f"* {name} comes, {here} here")
        try:
            for line in self.rfile:
                tell(f"{name}: {line.decode(errors='replace').rstrip()}", but=name)
        except OSError:
            pass
        with lock:
            del room[name]
            here = len(room)
        print(f"{name} leaves", flush=True)
        tell(f"* {name} leaves, {here} here")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


port = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
with Server(("", port), Client) as server:
    print(f"listening on port {port}", flush=True)
    server.serve_forever()

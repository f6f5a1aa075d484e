"""A chat client: prints what the others say, and says what it reads from stdin, or by itself.

python3 client.py NAME [--server HOST] [--port PORT]
python3 client.py NAME --say 100 --room 3      once three are there, says a hundred lines
"""

import argparse
import socket
import sys
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("name")
parser.add_argument("--server", default="server")
parser.add_argument("--port", type=int, default=5000)
parser.add_argument("--say", type=int, help="how many lines it says by itself")
parser.add_argument("--room", type=int, default=1, help="how many have to be there before it does")
parser.add_argument("--every", type=float, default=0.05, help="seconds between two lines")
args = parser.parse_args()


def connect():
    """The server may be a moment later than its name."""
    for attempt in range(100):
        try:
            return socket.create_connection((args.server, args.port), timeout=5)
        except OSError as error:
            last = error
            time.sleep(0.1)
    sys.exit(f"no server at {args.server}: {last}")


def say(line):
    server.sendall(f"{line}\n".encode())


def speak():
    if args.say is None:
        for line in sys.stdin:
            say(line.rstrip())
        return
    full.wait()
    for number in range(1, args.say + 1):
        say(f"line {number}")
        time.sleep(args.every)


full = threading.Event()
server = connect()
server.settimeout(None)
say(args.name)
threading.Thread(target=speak, daemon=True).start()
with server.makefile("r") as lines:
    for line in lines:
        print(line, end="", flush=True)
        words = line.split()
        if words[0] == "*" and words[-1] == "here" and int(words[-2]) >= args.room:
            full.set()
sys.exit("the server is gone")

# client.py tcp|udp HOST PORT SECONDS: prints the address that a server.py saw, or "no".
import socket
import sys

protocol, host, port, seconds = sys.argv[1:]
kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
try:
    with socket.socket(socket.AF_INET, kind) as s:
        s.settimeout(float(seconds))
        s.connect((host, int(port)))
        s.send(b"?")
        said = s.recv(64).decode()
        print(f"from {said}" if said else "no")
except OSError:
    print("no")

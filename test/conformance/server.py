# server.py [ADDRESS:]PORT...: answers over tcp and udp with the address that it was asked from.
import socket
import sys
import threading


def tcp(listener):
    while True:
        connection, peer = listener.accept()
        connection.sendall(peer[0].encode())
        connection.close()


def udp(socket):
    while True:
        _, peer = socket.recvfrom(64)
        socket.sendto(peer[0].encode(), peer)


for place in sys.argv[1:]:
    address, _, port = place.rpartition(":")
    listener = socket.create_server((address, int(port)))
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind((address, int(port)))
    threading.Thread(target=tcp, args=[listener]).start()
    threading.Thread(target=udp, args=[datagrams]).start()

"""mininet-lab.py N: N hosts on a Linux bridge behind NAT by Mininet's own API; prints what its phases took."""

import json
import sys
import time

from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.nodelib import LinuxBridge
from mininet.topo import SingleSwitchTopo

setLogLevel("warning")
number = int(sys.argv[1])
begun = time.monotonic()
net = Mininet(topo=SingleSwitchTopo(k=number), switch=LinuxBridge, controller=None, ipBase="10.77.0.0/16")
net.addNAT(ip="10.77.255.254/16").configDefault()
net.start()
up = time.monotonic()
failed = []
for host in net["h1"], net["h%d" % number]:
    for target in "10.77.255.254", "203.0.113.1":
        answer = host.cmd("ping -c 1 -W 5 %s" % target)
        if "1 received" not in answer:
            failed.append("%s does not reach %s: %s" % (host, target, answer))
proven = time.monotonic()
net.stop()
down = time.monotonic()
if failed:
    sys.exit("\n".join(failed))
print(json.dumps({"up": up - begun, "down": down - proven}))

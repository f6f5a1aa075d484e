# cni.sh begin|up|down|end N: the CNI plugins bridge, host-local and portmap by cnitool. BIN is the folder of the programs.
set -eu
export CNI_PATH=$BIN NETCONFPATH=/run/cni

begin() {
  # cnitool keeps its files in /var/lib/cni: here it is the machine's own.
  mount -t tmpfs -o mode=755 tmpfs /var/lib
  mkdir -p $NETCONFPATH
  cat >$NETCONFPATH/lab.conflist <<'JSON'
{
  "cniVersion": "1.0.0",
  "name": "lab",
  "plugins": [
    {
      "type": "bridge", "bridge": "br0", "isGateway": true, "ipMasq": true,
      "ipam": {
        "type": "host-local", "ranges": [[{ "subnet": "10.77.0.0/16" }]], "routes": [{ "dst": "0.0.0.0/0" }],
        "dataDir": "/var/lib/cni/networks"
      }
    },
    { "type": "portmap", "capabilities": { "portMappings": true } }
  ]
}
JSON
}

up() {
  for ((i = 1; i <= $1; i++)); do
    ip netns add h$i
    "$BIN/cnitool" add lab /run/netns/h$i
  done
}

down() {
  for ((i = 1; i <= $1; i++)); do
    "$BIN/cnitool" del lab /run/netns/h$i
    ip netns del h$i
  done
  ip link del br0
}

end() { umount /var/lib; }

"$@"

# tutorial.sh up|down N: a lab as a tutorial writes it, one process per command.
set -eu

up() {
  ip link add br0 type bridge
  ip addr add 10.77.0.1/16 dev br0
  ip link set br0 up
  sysctl -qw net.ipv4.ip_forward=1
  iptables -t nat -A POSTROUTING -s 10.77.0.0/16 ! -o br0 -j MASQUERADE
  iptables -A FORWARD -i br0 -j ACCEPT
  iptables -A FORWARD -o br0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  for ((i = 1; i <= $1; i++)); do
    ip netns add h$i
    ip link add v$i type veth peer name p$i
    ip link set p$i netns h$i
    ip link set v$i master br0
    ip link set v$i up
    ip netns exec h$i ip link set lo up
    ip netns exec h$i ip link set p$i name eth0
    ip netns exec h$i ip addr add "10.77.$(((i + 1) >> 8)).$(((i + 1) & 255))/16" dev eth0
    ip netns exec h$i ip link set eth0 up
    ip netns exec h$i ip route add default via 10.77.0.1
  done
}

down() {
  for ((i = 1; i <= $1; i++)); do ip netns del h$i; done
  ip link del br0
  iptables -t nat -D POSTROUTING -s 10.77.0.0/16 ! -o br0 -j MASQUERADE
  iptables -D FORWARD -i br0 -j ACCEPT
  iptables -D FORWARD -o br0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
}

"$@"

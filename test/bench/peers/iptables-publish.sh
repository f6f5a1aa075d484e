# iptables-publish.sh up N: one host h1 behind NAT, and N ports that lead to its port 80, one rule each, as Docker writes them.
set -eu

up() {
  bash "${0%/*}/tutorial.sh" up 1
  {
    printf '*nat\n:LAB -\n-A PREROUTING -m addrtype --dst-type LOCAL -j LAB\n'
    printf -- '-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j LAB\n'
    for ((port = 30000 - $1; port < 30000; port++)); do
      echo "-A LAB ! -i br0 -p tcp -m tcp --dport $port -j DNAT --to-destination 10.77.0.2:80"
    done
    echo COMMIT
  } | iptables-restore -n
  iptables -A FORWARD -d 10.77.0.2/32 ! -i br0 -o br0 -p tcp -m tcp --dport 80 -j ACCEPT
}

"$@"

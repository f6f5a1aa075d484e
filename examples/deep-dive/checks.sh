#!/bin/sh
# Why does it not work? What to look at, in the order in which a packet meets it: `sudo sh checks.sh [WORLD...]`, where WORLD
# is an address or a name that must be reached. Changes nothing. Ends with 1 when something is wrong.
set -u
bridge=br0 web=ct1 peer=ct2 address=172.18.0.11 port=${PORT:-8080}
failed=0

# say WHAT CODE REMEDY
say() {
  if [ "$2" -eq 0 ]; then echo "ok  $1"; else echo "NO  $1: $3"; failed=1; fi
}
# check WHAT REMEDY COMMAND...
check() {
  what=$1 remedy=$2
  shift 2
  "$@" >/dev/null 2>&1
  say "$what" $? "$remedy"
}
inside() { ip netns exec "$@"; }

uplink=$(ip -4 route show default | sed -nE 's/.* dev ([^ ]+).*/\1/p;q')
[ -n "$uplink" ]
say "uplink: ${uplink:-none}" $? "this host has no default route, so there is no way out"

[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ]
say "forwarding is on" $? "net.ipv4.ip_forward is 0; \`pulumi up\` turns it on"

# What iptables' FORWARD drops, no accept of nftables brings back. One rule with our comment lets the lab's packets through.
forward=$(iptables-save 2>/dev/null | grep -E '^(:FORWARD|-A (FORWARD|DOCKER-USER)) ' || :)
case $forward in
  *':FORWARD DROP'*) printf '%s\n' "$forward" | grep -q linuxnet ;;
  *) : ;;
esac
say "FORWARD of iptables: $(printf '%s\n' "$forward" | sed -nE 's/^:FORWARD ([A-Z]+).*/policy \1/p')" $? \
  "it drops, and has no rule of ours; \`pulumi up\` puts one there"

check "$peer reaches the bridge" "look at: ip -br link; bridge link; ip -n $peer addr" \
  inside "$peer" ping -c1 -W2 172.18.0.1

listener=$(inside "$web" ss -Htln sport = :80 | tr -s ' ' | cut -d ' ' -f 4)
case $listener in 0.0.0.0:80 | \*:80) : ;; *) false ;; esac
say "listener in $web: ${listener:-none}" $? "the server must listen on 0.0.0.0: what is bound to 127.0.0.1 is reached by $web alone"

check "$peer reaches the web server straight" "look at: tcpdump -ni $bridge tcp port 80" \
  inside "$peer" curl -sf -m 3 -o /dev/null "http://$address/"
check "port $port of the host" "look at: nft list map inet linuxnet all4, or: iptables -t nat -S" \
  curl -sf -m 3 -o /dev/null "http://127.0.0.1:$port/"

server=$(sed -nE 's/^nameserver +//p;T;q' "/etc/netns/$web/resolv.conf" 2>/dev/null)
[ -n "$server" ]
say "DNS of $web: ${server:-none}" $? "there is no /etc/netns/$web/resolv.conf; \`pulumi up\` writes it"
if grep -qs linuxnet /etc/resolv.conf; then false; else :; fi
say "the host's own resolv.conf is its own" $? "somebody has copied the container's over it"

# Packets of a rule of iptables are counted; with nftables, the flow says what became of its source.
masqueraded() {
  iptables-save -c 2>/dev/null | sed -nE 's/^\[([0-9]+):.* -s 172\.18\.0\.0\/16 .*MASQUERADE.*/\1/p' | head -n 1
}
for world in "$@"; do
  before=$(masqueraded)
  conntrack -D -p icmp --orig-src "$address" >/dev/null 2>&1
  check "$web reaches $world" "look at: ip -n $web route; tcpdump -ni ${uplink:-any} icmp" \
    inside "$web" ping -c1 -W3 "$world"
  if [ -n "$before" ]; then
    [ "$(masqueraded)" -gt "$before" ]
    say "the counter of the masquerade moves" $? "it stays at $before: the packets do not come by, or leave by another interface"
  else
    conntrack -L -p icmp --orig-src "$address" 2>/dev/null | grep -vq " dst=$address "
    say "the source becomes the host's" $? "look at: nft list chain inet linuxnet user_post"
  fi
done

if [ "$(firewall-cmd --state 2>/dev/null)" = running ]; then false; else :; fi
say "firewalld is not in the way" $? "it rejects what containers open: firewall-cmd --zone=trusted --add-interface=$bridge"
if iptables-save 2>/dev/null | grep -q '^:ufw-.*forward'; then iptables-save | grep -q 'linuxnet: what its table passed' || ufw status 2>/dev/null | grep -q "on $bridge"; else :; fi
say "ufw is not in the way" $? "ufw route allow in on $bridge; ufw route allow out on $bridge"

exit "$failed"

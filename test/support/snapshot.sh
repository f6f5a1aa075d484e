# Prints everything that a lab may touch, in sections. Run inside a test machine, by bash.
section() { printf '\n=== %s\n' "$1"; }

# look NAME: at the namespace that this shell is in.
look() {
  section "links $1"; ip -j -d addr show
  section "routes $1"; ip -4 route show table all; ip -6 route show table all
  section "qdiscs $1"; tc qdisc show
  section "rules $1"; ip -4 rule; ip -6 rule
  section "nftables $1"; nft -a list ruleset
  # Also where nft does not work, or says what is not so: a test may have seen to that.
  for tool in iptables-nft ip6tables-nft; do section "$tool $1"; "$tool-save" 2>/dev/null; done
  for six in '' 6; do
    [ -z "$(cat "/proc/net/ip${six}_tables_names" 2>/dev/null)" ] ||
      { section "ip${six}tables-legacy $1"; "ip${six}tables-legacy-save"; }
  done
}
names=$(ls /run/netns 2>/dev/null)
look ''
for name in $names; do
  nsenter --net="/run/netns/$name" bash --norc -c "$(declare -f section look)"'; look "$1"' look "$name"
done
section "netns"; for name in $names; do echo "$name $(stat -L -c %i "/run/netns/$name")"; done
section "sysctls"
grep -s '' /proc/sys/net/ipv4/ip_forward /proc/sys/net/bridge/* /proc/sys/net/ipv4/ip_unprivileged_port_start \
  /proc/sys/net/ipv[46]/conf/*/{forwarding,accept_redirects,send_redirects,secure_redirects,accept_ra,rp_filter} \
  /proc/sys/net/ipv[46]/conf/*/{route_localnet,arp_ignore,arp_announce,disable_ipv6,accept_dad,proxy_arp,proxy_ndp}
section "files"
find /etc/netns /run/linuxnet /run/netns -mindepth 0 -printf '%M %u %p\n' 2>/dev/null | sort -k 3
find /etc/netns /run/linuxnet -type f 2>/dev/null | sort | while read -r file; do sed "s|^|$file: |" "$file"; done
section "resolv.conf"; sha256sum /etc/resolv.conf /etc/hosts
section "processes"
# Whoever entered from outside has no parent here: the session's shell, and this script. Who came by ssh descends from sshd.
declare -A parents names cmdlines
for stat in /proc/[0-9]*/stat; do
  { IFS= read -r line <"$stat"; } 2>/dev/null || continue
  pid=${line%% *} name=${line#* } rest=${line##*) }
  read -r state parents[$pid] _ <<<"$rest"
  names[$pid]=${name%) *} cmdlines[$pid]="$state $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")"
done
for pid in "${!parents[@]}"; do
  parent=${parents[$pid]} over=$pid
  while [ "$over" -gt 1 ] && [ "${names[$over]}" != '(sshd' ]; do over=${parents[$over]:-0}; done
  [ "$pid" = 1 ] || [ "$parent" = 0 ] || [ "$parent" = $$ ] || [ "$pid" = $$ ] || [ "$over" -gt 1 ] ||
    echo "${cmdlines[$pid]}(pid $pid of $parent)"
done
section "mounts"; while read -r _ _ _ root point _ rest; do echo "$point $root ${rest#*- }"; done </proc/self/mountinfo

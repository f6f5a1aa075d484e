# Prints everything that a lab may touch, in sections. Run inside a test machine, by bash.
section() { printf '\n=== %s\n' "$1"; }

# netns NAME COMMAND...: in a named namespace, or in the machine's own when NAME is empty.
netns() {
  if [ -z "$1" ]; then shift; "$@"; else nsenter --net="/run/netns/$1" "${@:2}"; fi
}
names=$(ls /run/netns 2>/dev/null)

for name in '' $names; do
  section "links $name"; netns "$name" ip -j -d addr show
  section "routes $name"; netns "$name" sh -c 'ip -4 route show table all; ip -6 route show table all'
  section "qdiscs $name"; netns "$name" tc qdisc show
  section "rules $name"; netns "$name" sh -c 'ip -4 rule; ip -6 rule'
  section "nftables $name"; netns "$name" nft -a list ruleset
  for tool in iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; do
    section "$tool $name"; netns "$name" "$tool-save" 2>/dev/null
  done
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

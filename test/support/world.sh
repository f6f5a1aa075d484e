# An uplink `up0` to a world that has no route back into a lab, as the namespace /media/world (on a tmpfs of its own).
: >/media/world
unshare --net=/media/world true
ip -batch - <<'IP'
link set lo up
link add up0 address 02:00:00:00:00:02 type veth peer name up0 address 02:00:00:00:00:01 netns /media/world
IP
# Its link-local address is there at once: nothing of a machine changes by itself.
echo 0 >/proc/sys/net/ipv6/conf/up0/accept_dad
ip -batch - <<'IP'
addr add 203.0.113.2/24 dev up0
addr add 2001:db8:203::2/64 dev up0 nodad
link set up0 up
IP
nsenter --net=/media/world ip -batch - <<'IP'
link set lo up
addr add 203.0.113.1/24 dev up0
addr add 2001:db8:203::1/64 dev up0 nodad
link set up0 up
IP
ip -batch - <<'IP'
route add default via 203.0.113.1
route add default via 2001:db8:203::1
IP
# The kernel takes a moment to see that the uplink has a carrier, longer on a busy machine, and then gives it its own address.
for _ in $(seq 500); do
  if ip -6 addr show dev up0 scope link | grep -q fe80; then break; fi
  sleep 0.01
done

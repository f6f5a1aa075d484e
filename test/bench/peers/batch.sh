# batch.sh up|down N: the floor of a shell. One `ip -batch` for the host's side, one for each namespace, one `nft -f`.
set -eu

up() {
  echo 1 >/proc/sys/net/ipv4/ip_forward
  {
    printf 'link add br0 type bridge\naddr add 10.77.0.1/16 dev br0\nlink set br0 up\n'
    for ((i = 1; i <= $1; i++)); do
      printf 'netns add h%s\nlink add v%s type veth peer name eth0 netns h%s\nlink set v%s master br0 up\n' $i $i $i $i
    done
  } | ip -batch -
  for ((i = 1; i <= $1; i++)); do
    ip -n h$i -batch - <<<"link set lo up
addr add 10.77.$(((i + 1) >> 8)).$(((i + 1) & 255))/16 dev eth0
link set eth0 up
route add default via 10.77.0.1"
  done
  nft -f - <<<'table ip lab {
  chain post { type nat hook postrouting priority 100; ip saddr 10.77.0.0/16 oifname != "br0" masquerade; }
  chain forw { type filter hook forward priority 0; iifname "br0" accept; oifname "br0" ct state established,related accept; }
}'
}

down() {
  {
    for ((i = 1; i <= $1; i++)); do echo "netns del h$i"; done
    echo "link del br0"
  } | ip -batch -
  nft delete table ip lab
  echo 0 >/proc/sys/net/ipv4/ip_forward
}

"$@"

# The client side of a test's hosts, in the machine where the test's `ssh` and `pulumi` run; arguments: HOSTS (how many) and
# CHECKOUT (the folder of this repository); stdin: the lines PASSWORD (of labpw) and PASSPHRASE (of the key `locked`).
set -eu
hosts=$1 checkout=$2
IFS= read -r password
IFS= read -r passphrase

lab=/media/lab
mkdir -p -m 700 $lab/root $lab/work $lab/keys
# ssh takes `~` from passwd: the real default files are exercised, in a /root of this machine's own.
case $checkout in /root/*) mkdir $lab/checkout && mount --bind "$checkout" $lab/checkout ;; esac
mount -t overlay -o lowerdir=/root,upperdir=$lab/root,workdir=$lab/work overlay /root
case $checkout in /root/*) mount --bind $lab/checkout "$checkout" ;; esac
rm -rf /root/.ssh
mkdir -m 700 /root/.ssh
# No resolver is in reach: a name that /etc/hosts does not know is unknown at once.
sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf

printf '%s' "$password" >$lab/password
for key in id wrong spare; do ssh-keygen -q -t ed25519 -N '' -C $key -f $lab/keys/$key; done
ssh-keygen -q -t ed25519 -N "$passphrase" -C locked -f $lab/keys/locked
install -m 600 $lab/keys/id /root/.ssh/id_ed25519
for number in $(seq "$hosts"); do
  ssh-keygen -q -t ed25519 -N '' -C h$number -f $lab/keys/host$number
  read -r type key _ <$lab/keys/host$number.pub
  echo "10.99.0.$number,10.98.0.$number,h$number $type $key" >>/root/.ssh/known_hosts
  echo "10.99.0.$number h$number" >>/etc/hosts
done

ip link add wire address 02:00:00:63:00:fe type bridge
echo 0 >/proc/sys/net/ipv6/conf/wire/accept_dad
ip addr add 10.99.0.254/24 dev wire
ip link set wire up

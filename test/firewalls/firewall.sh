# firewall.sh FIREWALL VERB: ufw and firewalld in a test machine; run by bash there, with PACKAGES, the folder of
# scripts/firewalls.sh. What they write lies on the machine's own /etc and /run, and ends with it.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

# Their programs are laid over the machine's /usr.
install() {
  mount -t overlay -o "lowerdir=$PACKAGES/usr:/usr" overlay /usr
  cp -a "$PACKAGES"/etc/{ufw,firewalld,default} /etc/
  mount -t tmpfs -o mode=755 tmpfs /var/log
}

ufw() { /usr/sbin/ufw "$@" >/dev/null; }
ufw_start() { ufw --force enable; }
ufw_reload() { ufw reload; }
# What its unit does at a restart (ufw.service).
ufw_restart() { /lib/ufw/ufw-init stop >/dev/null; /lib/ufw/ufw-init start >/dev/null; }

firewalld_start() {
  if [ ! -S /run/dbus/system_bus_socket ]; then
    mkdir -p /run/dbus
    cat >/run/dbus/bus.conf <<'BUS'
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
  </policy>
</busconfig>
BUS
    dbus-daemon --config-file=/run/dbus/bus.conf --fork
  fi
  setsid /usr/bin/python3 /usr/sbin/firewalld --nofork --nopid </dev/null >/run/firewalld.log 2>&1 &
  echo $! >/run/firewalld.pid
  for _ in $(seq 600); do
    ! firewall-cmd --state >/dev/null 2>&1 || return 0
    kill -0 "$(cat /run/firewalld.pid)" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 5 /run/firewalld.log /var/log/firewalld >&2
  exit 1
}
firewalld_reload() { firewall-cmd -q --reload; }
firewalld_restart() {
  pid=$(cat /run/firewalld.pid)
  kill "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
  firewalld_start
}

case $1 in install) install ;; *) "$1_$2" ;; esac

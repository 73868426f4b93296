#!/bin/busybox sh
# shellcheck shell=dash # the nearest it knows to busybox ash
#
# The board's first process. Mounts, loads the modules of /etc/modules in their order, brings up the card the tests log in
# through, starts the SSH server, and says the ready word on the console.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=linux

# On a busy machine user-mode Linux now and then refuses the first fork of all (EAGAIN), and only that one: a shell then ends.
trap 'echo "init: the first fork was refused, begins again"; exec /init' EXIT
/bin/busybox true
trap - EXIT
/bin/busybox --install -s

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t debugfs debugfs /sys/kernel/debug
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr

machine_id='' card='' kind=board
read -r arguments </proc/cmdline
for argument in $arguments; do
  case $argument in
    systemd.machine_id=*) machine_id=${argument#*=} ;;
    devbind.card=*) card=${argument#*=} ;;
    devbind.kind=*) kind=${argument#*=} ;;
  esac
done
[ -z "$machine_id" ] || echo "$machine_id" >/etc/machine-id
hostname "$kind"

while read -r module; do
  modprobe "$module" || echo "init: no module $module"
done </etc/modules

# The card is known by its address: names depend on the order of probes.
find_card() {
  for interface in /sys/class/net/*; do
    read -r address <"$interface/address"
    [ "$address" != "$card" ] || { echo "${interface##*/}"; return; }
  done
}
tries=100
until name=$(find_card) && [ -n "$name" ] || [ $tries -eq 0 ]; do
  tries=$((tries - 1))
  usleep 100000
done
ip link set lo up
ip link set "$name" up && ip address add 10.0.2.15/24 dev "$name" && ip route add default via 10.0.2.2 ||
  echo "init: no network card with address $card"
dropbear -s -r /etc/dropbear/host_key -P /run/dropbear.pid || echo "init: no SSH server"

# No kernel message may cut the word in two.
dmesg -n 1
echo "devbind-board: ready" >/dev/console
dmesg -n 7
while :; do
  setsid cttyhack sh -l
  sleep 1
done

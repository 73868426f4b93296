#!/bin/sh
# Runs a user-mode Linux, as the first process of a process namespace of its own: whoever kills this one ends all of them.
# uml.sh FOLDER PORT LINUX ARGUMENT...
# Standard output is the board's console. FOLDER gets: pid (of this process, as seen outside), sshd (a socket to the board's SSH
# server: sockets with a path reach over the border of the network namespace).
set -eu
folder=$1 port=$2
shift 2

read -r pid _ </proc/self/stat
echo "$pid" >"$folder/pid"

# -d -d: it says when it listens.
socat -d -d "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork" "UNIX-CONNECT:$folder/sshd" >/dev/null &

# shellcheck disable=SC2016 # the inner shell's
unshare --net sh -euc '
  folder=$1
  shift
  ip link set lo up
  ip tuntap add tap0 mode tap
  ip address add 10.0.2.2/24 dev tap0
  ip link set tap0 up
  socat "UNIX-LISTEN:$folder/sshd,fork" TCP:10.0.2.15:22 >/dev/null &
  TMPDIR=$folder setarch --addr-no-randomize "$@" 2>&1
' sh "$folder" "$@"

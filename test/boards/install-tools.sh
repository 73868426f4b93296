#!/bin/sh
# Installs the Debian packages that the boards and the other tests need, and only those that are missing: as root it does,
# else it prints the command. Does nothing where all are there. Prints what it does and how many seconds it took.
set -eu

packages='qemu-system-arm qemu-system-x86 qemu-utils mmdebstrap e2fsprogs device-tree-compiler
  gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf make cpio kmod gzip xz-utils dropbear-bin openssh-client
  dash mksh toybox busybox-static shellcheck openssh-server sudo opendoas fish tcsh procps util-linux mount git iproute2 socat'

missing=''
for package in $packages; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=''
  [ "$state" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "install-tools: all packages are there"
  exit 0
fi
if [ "$(id -u)" != 0 ]; then
  echo "install-tools: these packages are missing, run: sudo apt-get install -y --no-install-recommends$missing" >&2
  exit 1
fi

started=$(date +%s)
echo "install-tools: installing$missing"
# An index that a mirror is just changing fails its hash: asked again, then done without.
for try in 1 2 3; do
  apt-get -q -o APT::Update::Error-Mode=any update && break
  echo "install-tools: package index failed, try $try of 3" >&2
done
# shellcheck disable=SC2086 # a list of package names
DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing
echo "install-tools: done in $(($(date +%s) - started)) s"

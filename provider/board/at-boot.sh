#!/bin/sh
# devbind-at-boot 1
# Gives devices to the drivers that pulumi-devbind has bound them to, once in each boot, before the network comes up. Written by
# pulumi-devbind, which takes it away with the last of its bindings that has persist: true; devbind.service runs it.
#
# Each file /etc/devbind/persist.<bus>,<device> tells of one device (CONTRIBUTING.md of pulumi-devbind has the format). It is read, and
# nothing in it is run as code. A device that is not there, or not what it was, is left alone, and so is the disk that the board runs
# from. A device whose driver refuses it gets back the one that it had. Neither stops the other devices or the boot: what went wrong is in
# the journal, `journalctl -b -u devbind`.
#
# POSIX sh: dash, busybox ash, bash, mksh, toybox.
# shellcheck shell=sh

at_boot() {
  root=''
  sys=$root/sys
  kept=$root/etc/devbind
  patience=10 # seconds in which a device must be there, and its driver take it
  PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
  LC_ALL=C
  export PATH LC_ALL
  umask 077
  set +e
  newline='
'
  make_state || exit 0
  undo_undecided
  for file in "$kept"/persist.*; do
    [ ! -r "$file" ] || keep "$file" &
  done
  wait
}

# Says something to the journal, of the device where there is one.
tell() {
  echo "${name:+$bus $name: }$*"
}

# state: where pulumi-devbind keeps claims until the next boot. Whoever makes it is the first one in this boot; if it is there,
# this program has run already, or a transaction has, and nothing is to be done.
make_state() {
  read -r boot <"$root/proc/sys/kernel/random/boot_id"
  state=$root/run/devbind/$boot
  [ -d "$root/run/devbind" ] || mkdir "$root/run/devbind"
  mkdir "$state" 2>/dev/null && return
  [ -d "$state" ] || {
    tell "cannot make $state, and so no claims"
    return 0
  }
  tell "has run in this boot already: nothing is done"
  return 1
}

# A transaction during which the power went away was never said to be done: what was there before it comes back.
undo_undecided() {
  for mark in "$kept"/undecided.*; do
    [ -e "$mark" ] || continue
    id=${mark##*/undecided.}
    for old in "$kept/replaced.$id".*; do
      [ ! -e "$old" ] || mv "$old" "$kept/persist.${old##*"/replaced.$id."}"
    done
    for file in "$kept"/persist.*; do
      grep -qxF "transaction $id" "$file" 2>/dev/null && rm -f "$file"
    done
    rm -f "$kept/replaced.$id".* "$mark"
    tell "the change $id was cut off by the end of the last boot, and is undone"
  done
}

# Brings the one device that the file $1 tells of to its driver.
keep() {
  name=''
  if ! read_file "$1"; then
    tell "$1 is not whole, and is passed over"
  elif ! is_there; then
    tell "is not there, and is left alone"
  elif ! is_same; then
    tell "is not the device that it was (its modalias is $is, not $modalias), and is left alone"
  elif carries_disk; then
    tell "carries the disk $disk, which is in use, and is left alone"
  else
    list_modules
    write_claim || tell "its claim cannot be written to $state"
    load_modules
    bring
  fi
}

# What the file $1 tells, if it is whole: the last line counts those before.
read_file() {
  lines=0 whole='' device='' claim='' modules='' loaded='' ids='' interface='' modalias='' override_wished=-any
  while read -r word rest; do
    whole=''
    case $lines:$word in
    0:devbind-persist) [ "$rest" = 1 ] || return 1 ;;
    0:*) return 1 ;;
    *:device) key=$rest ;;
    *:claimant | *:driver | *:override | *:transaction) claim=$claim$word' '$rest$newline ;;
    *:wish) wish=${rest%%,*} override_wished=${rest#*,} ;;
    *:modalias) decode "$rest" && modalias=$decoded ;;
    *:module) modules="$modules $rest" ;;
    *:modules) loaded=$rest ;;
    *:id) ids="$ids $rest" ;;
    *:interface) interface=$rest ;;
    *:end) [ "$rest" != "$lines" ] || whole=yes ;;
    esac
    lines=$((lines + 1))
  done <"$1"
  [ -n "$whole" ] || return 1
  decode "${key%%,*}" && bus=$decoded
  decode "${key#*,}" && name=$decoded
  case $bus/$name in
  /* | */ | */*/* | ./* | ../* | */. | */..) return 1 ;;
  esac
  device=$sys/bus/$bus/devices/$name
}

# decoded: the text that $1 stands for: %XX is a byte, "-" alone is nothing.
decode() {
  decoded='' left=$1
  [ "$left" != - ] || return 0
  while :; do
    case $left in
    *%*) ;;
    *) break ;;
    esac
    decoded=$decoded${left%%\%*}
    left=${left#*%}
    hex=${left%"${left#??}"}
    left=${left#??}
    # shellcheck disable=SC2059 # the format is one octal escape made here
    char=$(printf "\\$(printf %03o "0x$hex").")
    decoded=$decoded${char%.}
  done
  decoded=$decoded$left
}

# A device may need a moment, as those behind a hub do.
is_there() {
  waited=0
  until [ -e "$device" ]; do
    [ "$waited" -lt "$patience" ] || return 1
    sleep 1
    waited=$((waited + 1))
  done
}

# Whether the device is still of the kind that was bound. is: what it is now.
is_same() {
  is=''
  [ ! -r "$device/modalias" ] || read -r is <"$device/modalias"
  [ "$is" = "$modalias" ]
}

# Whether a disk below the device is mounted or swapped to, or others are made of it. disk: which one.
carries_disk() {
  real=$(readlink -f "$device")
  for path in "$sys"/class/block/*; do
    is_below "$path" || continue
    disk=${path##*/} number=''
    [ ! -r "$path/dev" ] || read -r number <"$path/dev"
    for holder in "$path"/holders/* "$sys"/fs/btrfs/*/devices/"$disk"; do
      [ ! -e "$holder" ] || return 0
    done
    grep -q " ${number:-none} " "$root/proc/self/mountinfo" && return 0
    grep -q "^/dev/$disk " "$root/proc/mounts" "$root/proc/swaps" && return 0
  done
  return 1
}

# Whether the disk at $1 lies below $real. An NVMe disk with several ways to it lies below none of its controllers.
is_below() {
  way=$(readlink -f "$1")
  case $way in
  "$real"/*) return 0 ;;
  */nvme-subsystem/*) ;;
  *) return 1 ;;
  esac
  for way in "${way%/nvme*n[0-9]*}"/nvme[0-9]*; do
    [ -L "$way" ] || continue
    case $(readlink -f "$way") in
    "$real"/*) return 0 ;;
    esac
  done
  return 1
}

# loaded: of the modules that the binding loaded, those that are not there yet: they are to be unloaded when it is given up.
list_modules() {
  fresh=''
  for entry in $(echo "$loaded" | tr , ' ') $modules; do
    entry=${entry%%,*}
    [ -d "$sys/module/$entry" ] || case ,$fresh, in
    *",$entry,"*) ;;
    *) fresh=$fresh${fresh:+,}$entry ;;
    esac
  done
  loaded=$fresh
}

# The claim, as a transaction would have written it: whoever wants the device now is told whose it is, and what was there before.
write_claim() {
  {
    echo "devbind-claim 1"
    printf '%s' "$claim"
    # shellcheck disable=SC2012 # the number is the first word; no name is parsed
    [ -z "$interface" ] || echo "interface $interface,$(ls -di "$device/" | sed 's/^ *\([0-9]*\).*/\1/')"
    for entry in $ids; do
      echo "id $entry"
    done
    [ -z "$loaded" ] || echo "modules $loaded"
    echo "end 4"
  } >"$state/new.$key"
  [ "$(tail -n 1 "$state/new.$key")" = "end 4" ] && mv "$state/new.$key" "$state/claim.$key"
}

# A module that is loaded already, or built in, is fine.
load_modules() {
  for entry in $modules; do
    set --
    for word in $(echo "$entry" | tr , ' '); do
      decode "$word"
      set -- "$@" "$decoded"
    done
    said=$(modprobe -- "$@" 2>&1) || tell "the module $1 cannot be loaded: $said"
  done
}

# Brings the device to the driver and the override that are wished, or back to what they are now.
bring() {
  read_driver && driver_before=$driver
  read_override && override_before=$override
  decode "$wish"
  wished=$decoded
  # What udev has still to load may take a device that no override keeps for its driver.
  [ "$override_wished" = "${wished:+$wish}" ] || udevadm settle --timeout=30 2>/dev/null
  said='' waited=0
  until try_once; do
    [ "$waited" -lt "$patience" ] || break
    sleep 1
    waited=$((waited + 1))
  done
  read_driver
  if [ "$driver" = "$wished" ]; then
    tell "has ${wished:+the driver }${wished:-no driver}"
    return
  fi
  go_back
  tell "cannot have ${wished:+the driver }${wished:-no driver}${said:+ ($said)}, and has ${driver:-none}"
}

# Override first, so that no other driver takes the device in between.
try_once() {
  read_driver
  if [ "$driver" != "$wished" ]; then
    set_override "$override_wished"
    [ -z "$driver" ] || write_line "$name" "$sys/bus/$bus/drivers/$driver/unbind"
    add_ids
    [ -z "$wished" ] || bind
    read_driver
  fi
  [ "$driver" = "$wished" ] && set_override "$override_wished"
}

# A probe that is deferred is tried again by the kernel only after drivers_probe, and by us each second.
bind() {
  write_line "$name" "$sys/bus/$bus/drivers/$wished/bind" && return
  read_override
  read_driver
  [ "$driver" = "$wished" ] || [ "$override" != "$wished" ] || write_line "$name" "$sys/bus/$bus/drivers_probe"
}

# One that the driver has already is refused, and that is fine.
add_ids() {
  for entry in $ids; do
    decode "${entry##*,}"
    id=$decoded
    entry=${entry#*,}
    decode "${entry%%,*}"
    [ "$decoded" != "$wished" ] || write_line "$id" "$sys/bus/$bus/drivers/$wished/new_id"
  done
}

# As it was found, with no override that keeps its driver away.
go_back() {
  set_plain_override "$override_before"
  read_driver
  [ "$driver" = "$driver_before" ] || [ -z "$driver" ] || write_line "$name" "$sys/bus/$bus/drivers/$driver/unbind"
  [ "$driver" = "$driver_before" ] || [ -z "$driver_before" ] || write_line "$name" "$sys/bus/$bus/drivers/$driver_before/bind"
  read_driver
}

# driver: who has the device, empty for nobody.
read_driver() {
  driver=$(readlink "$device/driver")
  driver=${driver##*/}
}

# override: of the device, empty for none, and where its bus has no such thing.
read_override() {
  override=''
  [ ! -r "$device/driver_override" ] || read -r override <"$device/driver_override"
  [ "$override" != '(null)' ] || override=''
}

# Writes the encoded override $1, unless it is there already; -any and -unsupported mean that it is left.
set_override() {
  case $1 in -any | -unsupported) return 0 ;; esac
  decode "$1"
  set_plain_override "$decoded"
}

set_plain_override() {
  [ -e "$device/driver_override" ] || return 0
  read_override
  [ "$override" = "$1" ] || write_line "$1" "$device/driver_override"
}

# Writes the line $1 to the file $2. said: what the kernel answered where it refused. (Not the shell's own echo: some don't name the error.)
write_line() {
  refused=$({ env echo "$1" >"$2"; } 2>&1) && return 0
  said=${refused##*: }
  return 1
}

at_boot

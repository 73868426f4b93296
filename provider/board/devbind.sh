# devbind.sh: all that pulumi-devbind does on a board. It arrives on the standard input of `sh -s` together with one request,
# runs as root, and is the only file of the project that knows a path of sysfs. POSIX sh: dash, busybox ash, bash, mksh, toybox.
#
# Everything stands in functions; the one call is the last line that the sender appends:
#   devbind 1 <nonce> <operation> <number of items> <item>... end-<nonce>
# so that a text which is cut anywhere does nothing. An item is a list of fields between commas; a field holds only letters,
# digits and ._:@+/- , all else as %XX; "-" alone means none. Answers: lines of `<nonce> <word> <key>=<value>...`, the last one
# `<nonce> end <number of lines before>`, or `<nonce> held <path>` when the kernel does not answer within the time given.
#
# Values returned by a function are left in a variable of the name the comment gives: a `$(...)` forks, and between an unbind
# and its bind nothing may fork.
# shellcheck shell=sh disable=SC2154,SC2015,SC2013
# (SC2154: numbered variables are set by eval; SC2015: `a && b || c` with a c that only leaves; SC2013: words are encoded)

devbind() {
  [ "$#" -ge 5 ] || exit 64
  protocol=$1 nonce=$2 operation=$3 count=$4
  for last in "$@"; do :; done
  [ "$last" = "end-$nonce" ] && [ "$protocol" = 1 ] && [ "$#" -eq "$((count + 5))" ] || exit 64
  shift 4

  PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
  LC_ALL=C
  export PATH LC_ALL
  umask 077
  set +e
  trap '' HUP PIPE
  newline='
'
  tab='	'
  root=''
  sys=$root/sys
  kept=$root/etc/devbind
  uid=$(id -u)
  lines=0 devices=0 steps=0 afters=0 lefts='' selector='' moved='' late='' afterwards='' transaction='' timeout=30 confirm=- open_files=''
  parameters=0 loading='' unloading='' unclaimed='' log='' keeping='' asked_buses=''
  value_of "$root/proc/sys/kernel/random/boot_id"
  boot=${value:-unknown}
  choose_state

  while [ "$#" -gt 1 ]; do
    read_item "$1"
    shift
  done
  case $operation:$transaction in apply: | outcome: | confirm:) exit 64 ;; esac
  case $operation in
  look) answer_look ;;
  list) answer_list ;;
  apply) answer_apply ;;
  outcome) answer_outcome ;;
  confirm) answer_confirm ;;
  *) say problem word=operation ;;
  esac
  printf '%s\n' "$nonce end $lines"
  [ -z "$afterwards" ] || "$afterwards"
  exit 0
}

# --- words on the wire ---------------------------------------------------------------------------------------------------

# Prints one line of the answer. (echo is builtin everywhere, printf is not; no backslash is in what is encoded.)
say() {
  lines=$((lines + 1))
  echo "$nonce $*"
}

# encoded: $1 with every byte outside the safe ones as %XX; "-" for an empty text.
encode() {
  encoded=$1
  case $1 in
  '') encoded=- ;;
  -* | *[!A-Za-z0-9._:@+/-]*) encode_slowly "$1" ;;
  esac
}

encode_slowly() {
  encoded='' left=$1
  case $left in
  -*) encoded=%2D left=${left#-} ;;
  esac
  while :; do
    char=${left%%[!A-Za-z0-9._:@+/-]*}
    encoded=$encoded$char
    left=${left#"$char"}
    [ -n "$left" ] || return 0
    tail=${left#?}
    char=${left%"$tail"}
    encode_byte
    left=$tail
  done
}

encode_byte() {
  case $char in # without a fork what modaliases, compatible strings and the guard's words are full of
  ,) hex=2C ;;
  ' ') hex=20 ;;
  '(') hex=28 ;;
  ')') hex=29 ;;
  =) hex=3D ;;
  *) hex=$(printf %02X "'$char") ;;
  esac
  encoded=$encoded%${hex#"${hex%??}"}
}

# decoded: the text that $1 stands for; "-" is empty.
decode() {
  decoded='' left=$1
  [ "$left" = - ] && return
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

# Takes one item of the request apart and keeps it in numbered variables. What could not be a name or a number ends the script:
# the sender refuses it too, but a path is made of it here.
read_item() {
  saved=$IFS IFS=,
  set -f
  # shellcheck disable=SC2086 # split at the commas
  set -- $1
  set +f
  IFS=$saved
  case $1:$# in bus:2 | transaction:[56] | after:* | device:5 | device:12 | selector:[34] | left:[34] | id:* | parameter:5 | persist:[24] | siblings:* | step:4) ;; *) exit 64 ;; esac
  case $1 in
  bus) read_name "$2" && encode "$decoded" && asked_buses="$asked_buses $encoded " ;;
  transaction)
    transaction=$2 claimant=$3 timeout=$4 force=$5 confirm=${6--}
    case $transaction in '' | *[!A-Za-z0-9-]*) exit 64 ;; esac
    case $timeout in '' | [!1-9]* | *[!0-9]* | ??????*) exit 64 ;; esac
    case $force in yes | no) ;; *) exit 64 ;; esac
    case $confirm in -) ;; '' | [!1-9]* | *[!0-9]* | ??????*) exit 64 ;; esac
    ;;
  after)
    shift
    for word in "$@"; do
      afters=$((afters + 1))
      decode "$word"
      eval "after_$afters=\$decoded"
    done
    ;;
  selector)
    case $2 in
    deviceTreePath | compatible | address | pciId | usbId | modalias | networkInterface) ;;
    *) exit 64 ;;
    esac
    decode "${4--}" && known=$decoded
    decode "$3" && selected=$decoded
    selector=$2
    ;;
  left)
    read_name "$2" && encode "$decoded" && key=$encoded
    read_name "$3" && encode "$decoded"
    key=$key,$encoded
    [ "$#" -eq 4 ] || lefts="$lefts $key"
    [ "$#" -eq 3 ] || check_device "$4"
    [ "$#" -eq 3 ] || eval "left_by_$(($4 + 1))=\"\$left_by_$(($4 + 1)) \$key\""
    ;;
  device)
    devices=$((devices + 1))
    read_name "$2" && bus=$decoded
    encode "$bus" && key=$encoded
    [ -n "$selector" ] && [ "$3" = - ] && decoded='' || read_name "$3"
    name=$decoded
    encode "$name" && key=$key,$encoded
    eval "selector_$devices=\$selector selected_$devices=\$selected known_$devices=\$known"
    selector='' selected='' known=''
    [ "$4" = - ] || read_name "$4"
    case ${10-} in '' | take | keep | drop) ;; *) exit 64 ;; esac
    eval "bus_$devices=\$bus name_$devices=\$name key_$devices=\$key wanted_$devices=\$4 module_$devices=\$5"
    eval "seen_driver_$devices=\${6-} seen_override_$devices=\${7-} wish_driver_$devices=\${8-} wish_override_$devices=\${9-}"
    eval "claim_$devices=\${10-} past_driver_$devices=\${11-} past_override_$devices=\${12-} id_$devices='' others_$devices='' asks_id_$devices='' left_by_$devices='' keep_$devices='' along_$devices='' seen_siblings_$devices=''"
    ;;
  id) read_id_item "$@" ;;
  parameter) read_parameter_item "$@" ;;
  persist) read_persist_item "$@" ;;
  siblings) read_siblings_item "$@" ;;
  step)
    steps=$((steps + 1))
    case $2 in '' | *[!0-9]* | ????*) exit 64 ;; esac
    [ "$2" -lt "$devices" ] || exit 64
    case $3 in
    unbind | bind | module | new-id | remove-id) read_name "$4" ;;
    override | probe) decode "$4" ;;
    *) exit 64 ;;
    esac
    eval "owner_$steps=\$2 word_$steps=\$3 value_$steps=\$decoded"
    ;;
  *) exit 64 ;;
  esac
}

# decoded: the name that $1 stands for, which is one whole part of a path.
read_name() {
  decode "$1"
  case $decoded in
  '' | . | .. | */* | *"$newline"*) exit 64 ;;
  esac
}

# bus, name, key, device, selector, selected, known: of the device number $1.
device_number() {
  eval "bus=\$bus_$1 name=\$name_$1 key=\$key_$1 selector=\$selector_$1 selected=\$selected_$1 known=\$known_$1"
  device=$sys/bus/$bus/devices/$name
}

# --- reading -------------------------------------------------------------------------------------------------------------

# value: the first line of the file $1, empty where there is none.
value_of() {
  value=''
  [ -r "$1" ] && IFS= read -r value 2>/dev/null <"$1"
  return 0
}

# driver: the encoded name of the driver that has $device, "-" for none.
read_driver() {
  driver=-
  [ -L "$device/driver" ] || return 0
  link=$(readlink "$device/driver") || return 0
  encode "${link##*/}"
  driver=$encoded
}

# override: the encoded override of $device, "-" for none, "-unsupported" where its bus has no such thing.
# An unset one reads "(null)" on most buses and empty on some.
read_override() {
  override=-unsupported
  [ -e "$device/driver_override" ] || return 0
  value_of "$device/driver_override"
  override=-
  [ "$value" = '(null)' ] && return
  encode "$value"
  override=$encoded
}

# list: the encoded names in the folder $1, with commas between, at most 400.
names_in() {
  list='' listed=0
  for entry in "$1"/*; do
    [ -e "$entry" ] || continue
    listed=$((listed + 1))
    [ "$listed" -le 400 ] || break
    encode "${entry##*/}"
    list=$list${list:+,}$encoded
  done
}

# --- selectors: which device is meant ----------------------------------------------------------------------------------------

# chosen: the name of the device of $bus that $selector and $selected mean; without a selector it is $name. Fails where they do not
# mean exactly one: then matches has the names of those that they mean, and ids what could have been meant, one a line. Where they
# mean several, $known is taken if it is one of these.
choose() {
  chosen=$name matches='' ids=''
  case $selector in
  '') return 0 ;;
  deviceTreePath) find_nodes ;;
  compatible) find_compatible ;;
  address) find_addresses ;;
  pciId) find_pci_ids ;;
  usbId) find_ids idVendor idProduct ;;
  modalias) find_modaliases ;;
  networkInterface) find_interface ;;
  esac
  chosen=${matches%%"$newline"*}
  case $newline$matches in
  "$newline") return 1 ;;
  "$newline$chosen$newline") return 0 ;;
  *"$newline$known$newline"*) chosen=$known ;;
  *) return 1 ;;
  esac
}

# The device $1 of the bus has the id $2, by which it may be meant.
candidate() {
  [ -n "$2" ] || return 0
  ids=$ids$2$newline
  if [ "$selector" != modalias ]; then
    [ "$2" = "$selected" ] || return 0
  else
    # shellcheck disable=SC2254 # a pattern
    case $2 in
    $pattern) ;;
    *) return 0 ;;
    esac
  fi
  case $newline$matches in
  *"$newline$1$newline"*) ;;
  *) matches=$matches$1$newline ;;
  esac
}

# nodes: lines of "<device><tab><path of its node in the device tree>".
read_nodes() {
  # shellcheck disable=SC2012 # the links' targets are wanted, and ls reads them all at once
  nodes=$(ls -ld "$sys/bus/$bus/devices"/*/of_node 2>/dev/null |
    sed -n "s|.*/devices/\(.*\)/of_node -> .*/devicetree/base\(/.*\)|\1$tab\2|p")
}

find_nodes() {
  read_nodes
  saved=$IFS IFS=$newline
  set -f
  for text in $nodes; do
    candidate "${text%%"$tab"*}" "${text#*"$tab"}"
  done
  set +f
  IFS=$saved
}

# tail heads each file with its name, since there is always more than one.
find_compatible() {
  saved=$IFS IFS=$newline
  set -f
  for text in $(set +f && tail -c +1 "$sys/bus/$bus/devices"/*/of_node/compatible /dev/null 2>/dev/null | tr '\0' '\n'); do
    case $text in
    '==> '*' <==')
      entry=${text%/of_node/compatible*}
      entry=${entry##*/}
      ;;
    *) candidate "$entry" "$text" ;;
    esac
  done
  set +f
  IFS=$saved
}

# The kernel names a device by the address that it has on the bus of the processor; its node may have another one.
find_addresses() {
  for entry in "$sys/bus/$bus/devices"/*.*; do
    entry=${entry##*/}
    address_of "${entry%%.*}"
    candidate "$entry" "$address"
  done
  read_nodes
  saved=$IFS IFS=$newline
  set -f
  for text in $nodes; do
    case ${text##*/} in
    *@*) address_of "${text##*@}" && candidate "${text%%"$tab"*}" "$address" ;;
    esac
  done
  set +f
  IFS=$saved
}

# address: the hexadecimal number $1 in small letters without leading zeros; empty where it is none.
address_of() {
  address=$1
  case $address in
  *[!0-9A-Fa-f]*) address='' ;;
  *[A-F]*) address=$(echo "$address" | tr A-F a-f) ;;
  esac
  while :; do
    case $address in
    0?*) address=${address#0} ;;
    *) return 0 ;;
    esac
  done
}

find_pci_ids() {
  case $selected in
  *:*:*) find_ids vendor device subsystem_vendor subsystem_device ;;
  *) find_ids vendor device ;;
  esac
}

# An id is made of the numbers in the files $1 and following.
find_ids() {
  for entry in "$sys/bus/$bus/devices"/*; do
    read_numbers "$@"
    candidate "${entry##*/}" "$text"
  done
}

# text: the numbers in the files of the folder $entry that are named, with colons between.
read_numbers() {
  text=''
  for file in "$@"; do
    value_of "$entry/$file"
    text=$text${text:+:}${value#0x}
  done
}

# In a pattern only * and ? are more than themselves; "(" and "|" are to bash where a login has set extglob.
find_modaliases() {
  pattern='' left=$selected
  while [ -n "$left" ]; do
    tail=${left#?}
    char=${left%"$tail"}
    case $char in
    [\(\|]) char="[$char]" ;;
    esac
    pattern=$pattern$char
    left=$tail
  done
  for entry in "$sys/bus/$bus/devices"/*; do
    value_of "$entry/modalias"
    candidate "${entry##*/}" "$value"
  done
}

# The nearest device on the bus above an interface. An interface is there only while its driver has the device: one that was chosen by
# it before is known by its claim or journal.
find_interface() {
  find_claimed_interface && return
  for link in "$sys"/class/net/*/device; do
    [ -e "$link" ] || continue
    path=$(readlink -f "$link")
    link=${link%/device}
    while [ -n "$path" ] && [ "$path" != "$sys" ]; do
      entry=$sys/bus/$bus/devices/${path##*/}
      if [ -e "$entry" ] && [ "$(readlink -f "$entry")" = "$path" ]; then
        candidate "${path##*/}" "${link##*/}"
        break
      fi
      path=${path%/*}
    done
  done
}

# Whether a claim or journal tells of $selected. The number of its folder, which the kernel gives anew to each that it makes, says
# whether it is the same device still.
find_claimed_interface() {
  [ -n "$state" ] || return 1
  encode "$bus" && text=$encoded
  encode "$selected" && text="$text $encoded"
  for file in "$state"/claim.* "$state"/journal.* "$state"/stuck.*; do
    [ -r "$file" ] || continue
    while IFS=' ,' read -r word of claimed interface inode; do
      [ "$word $of $interface" = "interface $text" ] || continue
      decode "$claimed"
      inode_of "$sys/bus/$bus/devices/$decoded"
      [ -z "$found" ] || [ "$found" != "$inode" ] || candidate "$decoded" "$selected"
    done <"$file"
  done
  [ -n "$matches" ]
}

# found: the number of the folder $1, empty where there is none.
inode_of() {
  # shellcheck disable=SC2012,SC2046 # the number is the first word; no name is parsed
  set -- $(ls -di "$1/" 2>/dev/null)
  found=${1-}
}

# Prints the line by which the device number $1 is found again where it was chosen by its network interface.
echo_interface() {
  device_number "$1"
  [ "$selector" = networkInterface ] || return 0
  inode_of "$device"
  encode "$selected"
  echo "interface $key,$encoded,$found"
}

# Says why the selector of the device number $index means none: the ids that there are, or all that it means with their drivers.
say_unchosen() {
  list=''
  saved=$IFS IFS=$newline
  set -f
  for text in ${matches:-$ids}; do
    encode "$text"
    case ,$list, in
    *",$encoded,"*) continue ;;
    esac
    [ "${#list}" -le 8000 ] || break
    list=$list${list:+,}$encoded
    [ -n "$matches" ] || continue
    link=$(readlink "$sys/bus/$bus/devices/$text/driver")
    encode "${link##*/}"
    list="$list;$encoded"
  done
  set +f
  IFS=$saved
  if [ -n "$matches" ]; then say_absent "- matches=$list"; else say_absent "$list"; fi
}

# Says that there is no such device but the names $1, and who claims the one that was there, with the key $key.
say_absent() {
  read_claim "$key"
  answer="$answer present=no bus=yes similar=$1"
  [ "$claimed_by" = - ] || answer="$answer claimant=$claimed_by"
  say "$answer"
}

# --- the look: never writes ------------------------------------------------------------------------------------------------

answer_look() {
  start_clock look
  await_quiet
  say_board
  look_at_devices
  stop_clock
}

# A transaction that is under way is waited for, for a while.
await_quiet() {
  patience=5
  while lock_owner && lives "$owner" && [ "$patience" -gt 0 ]; do
    sleep 1
    patience=$((patience - 1))
  done
}

look_at_devices() {
  find_protected
  number=1
  while [ "$number" -le "$devices" ]; do
    look_at "$number"
    number=$((number + 1))
  done
  [ "$operation" != look ] || look_at_siblings
}

say_board() {
  condition=quiet
  if lock_owner && lives "$owner"; then
    condition=busy
  fi
  answer="board protocol=1 boot=$boot condition=$condition uid=$uid"
  for fact in machine:/etc/machine-id uuid:/sys/class/dmi/id/product_uuid kernel:/proc/sys/kernel/osrelease host:/proc/sys/kernel/hostname; do
    value_of "$root${fact#*:}"
    encode "$value"
    answer="$answer ${fact%%:*}=$encoded"
  done
  serial=$(tr -d '\0' 2>/dev/null <"$root/proc/device-tree/serial-number")
  encode "$serial"
  answer="$answer serial=$encoded"
  encode "$state"
  answer="$answer state=$encoded writable=$(sysfs_writable)"
  [ -z "$keeping" ] || look_at_keeping
  say "$answer"
}

# A container has /sys read-only: its mount options say so (of the mount that came last), `test -w` does not.
sysfs_writable() {
  writable=yes
  while read -r _ where _ options _; do
    [ "$where" = /sys ] || continue
    case ,$options, in
    *,ro,*) writable=no ;;
    *) writable=yes ;;
    esac
  done 2>/dev/null <"$root/proc/mounts"
  echo "$writable"
}

# Says all there is to know of the device number $1.
look_at() {
  index=$1
  device_number "$index"
  eval "wanted=\$wanted_$index module=\$module_$index"
  answer="device index=$((index - 1))"
  if [ ! -d "$sys/bus/$bus" ]; then
    names_in "$sys/bus"
    say "$answer present=no bus=no similar=$list"
    return
  fi
  if [ -n "$selector" ] && { [ "$operation" = look ] || [ -n "$moved" ] || [ -z "$name" ]; }; then
    choose || {
      encode "$bus" && key=$encoded
      encode "$known" && key=$key,$encoded
      say_unchosen
      return
    }
    encode "$bus" && key=$encoded
    encode "$chosen" && key=$key,$encoded
    eval "name_$index=\$chosen key_$index=\$key"
    device_number "$index"
    answer="$answer name=${key#*,}"
  fi
  if [ ! -e "$device" ]; then
    names_in "$sys/bus/$bus/devices"
    say_absent "$list"
    return
  fi
  answer="$answer present=yes bus=yes"
  say_device
}

# Says all of the device number $index, which is there, after the answer's first words.
say_device() {
  real=$(readlink -f "$device")
  read_driver
  answer="$answer driver=$driver unbindable=$(yes_if test -e "$device/driver/unbind")"
  encode "${real#"$root"}"
  answer="$answer path=$encoded"
  journal_of "$key"
  answer="$answer journal=$journal"
  if [ "$journal" = stuck ]; then
    override=-unknown
  else
    read_override
  fi
  answer="$answer override=$override"
  look_at_identity
  look_at_group
  look_below
  look_at_wanted
  look_at_offers
  guard_of "$real"
  encode "$guard"
  answer="$answer guard=$encoded"
  read_claim "$key"
  look_at_kept
  say "$answer claimant=$claimed_by claimDriver=$claimed_driver claimOverride=$claimed_override claimTransaction=$claimed_transaction claimInterface=$claimed_interface claimIds=${claimed_id_drivers:--}"
}

# Says those that are taken along with each device. They get the numbers after all devices, and are looked at as their own device
# is: for the same driver and the same parameters, and with what is kept of them.
look_at_siblings() {
  parent=1 index=$devices
  while [ "$parent" -le "$devices" ]; do
    find_siblings "$parent"
    for sibling in $siblings; do
      index=$((index + 1))
      say_sibling
    done
    parent=$((parent + 1))
  done
}

say_sibling() {
  device_number "$parent"
  decode "$sibling"
  eval "bus_$index=\$bus name_$index=\$decoded key_$index=\${key%%,*},\$sibling keep_$index=\$keep_$parent"
  eval "wanted_$index=\$wanted_$parent module_$index=\$module_$parent selector_$index='' selected_$index='' known_$index='' asks_id_$index=''"
  ask_parameters_too
  device_number "$index"
  eval "wanted=\$wanted_$index module=\$module_$index"
  answer="sibling of=$((parent - 1)) bus=${key%%,*} name=$sibling present=yes"
  [ ! -e "$device" ] || say_device
}

# What is asked of modules for the device number $parent is asked for number $index too.
ask_parameters_too() {
  parameter=1 asked=$parameters
  while [ "$parameter" -le "$asked" ]; do
    eval "of_device=\$parameter_device_$parameter"
    if [ "$of_device" = "$parent" ]; then
      parameters=$((parameters + 1))
      eval "parameter_device_$parameters=\$index parameter_module_$parameters=\$parameter_module_$parameter"
      eval "parameter_name_$parameters=\$parameter_name_$parameter parameter_value_$parameters=\$parameter_value_$parameter"
    fi
    parameter=$((parameter + 1))
  done
}

yes_if() {
  if "$@"; then echo yes; else echo no; fi
}

look_at_identity() {
  value_of "$device/modalias"
  encode "$value"
  answer="$answer modalias=$encoded"
  list=''
  if [ -r "$device/of_node/compatible" ]; then
    saved=$IFS IFS=$newline
    set -f
    for text in $(tr '\0' '\n' <"$device/of_node/compatible"); do
      encode "$text"
      list=$list${list:+,}$encoded
    done
    set +f
    IFS=$saved
  fi
  answer="$answer compatible=${list:--}"
}

# The IOMMU group, who else is in it and who has them, and the group's file.
look_at_group() {
  group='' members='' node=''
  [ -L "$device/iommu_group" ] && link=$(readlink "$device/iommu_group") && group=${link##*/}
  if [ -n "$group" ]; then
    for member in "$sys/kernel/iommu_groups/$group/devices"/*; do
      [ -e "$member" ] || continue
      link=$(readlink "$member/driver")
      encode "${member##*/}"
      members=$members${members:+,}$encoded
      encode "${link##*/}"
      members="$members;$encoded"
    done
    for node in "$root/dev/vfio/$group" "$root/dev/vfio/noiommu-$group" ''; do
      [ -e "$node" ] && break
    done
  fi
  encode "$group"
  answer="$answer group=$encoded members=${members:--}"
  node=${node#"$root"}
  encode "$node"
  answer="$answer node=$encoded"
}

# What would go with the device: the bound devices below it and those it supplies; and who has one of its files in /dev open.
look_below() {
  dependents='' nodes=$node
  if [ "$driver" != - ]; then
    saved=$IFS IFS=$newline
    set -f
    # shellcheck disable=SC2044 # split at newlines only
    for text in $(find "$real/" \( -name driver -type l -o -name dev -type f \) 2>/dev/null); do
      case $text in
      "$real/driver" | "$real//driver") ;;
      */driver) [ "${#dependents}" -gt 4000 ] || add_dependent "${text%/driver}" ;;
      *)
        text=${text%/dev}
        nodes=$nodes$newline/${text##*/}
        ;;
      esac
    done
    set +f
    IFS=$saved
    add_shared_disks
    for entry in "$real"/consumer:*/consumer; do
      [ ! -L "$entry/driver" ] || add_dependent "$entry"
    done
  fi
  answer="$answer dependents=${dependents:--}"
  find_holders
  answer="$answer holders=${holders:--}"
}

# The disks of an NVMe subsystem don't lie below its controllers.
add_shared_disks() {
  for link in "$sys"/class/nvme-subsystem/*/nvme*; do
    [ -L "$link" ] || continue
    case $(readlink -f "$link") in
    "$real"/*) ;;
    *) continue ;;
    esac
    for entry in "${link%/*}"/nvme*n*/dev "${link%/*}"/nvme*n*/nvme*/dev; do
      entry=${entry%/dev}
      nodes=$nodes$newline/${entry##*/}
    done
  done
}

# Adds the bound device at the path $1 to the dependents.
add_dependent() {
  link=$(readlink -f "$1")
  encode "${link##*/}"
  dependents=$dependents${dependents:+,}$encoded
  link=$(readlink "$1/driver")
  encode "${link##*/}"
  dependents="$dependents;$encoded"
}

# holders: the processes that have one of $nodes open, as "name/pid", with commas between. A node is a path, or a slash and the
# name that it has anywhere below /dev: its whole path stands only in uevent files, and those wait for a device that is held.
find_holders() {
  holders=''
  [ -n "$nodes" ] || return 0
  # shellcheck disable=SC2012 # the links' targets are wanted, and ls reads them all at once
  [ -n "$open_files" ] ||
    open_files=$(ls -l /proc/[0-9]*/fd 2>/dev/null | sed -n -e 's|^/proc/\([0-9]*\)/fd:$|\1|p' -e "s|.* -> $root\(/dev/.*\)|\1|p")
  saved=$IFS IFS=$newline
  set -f
  for text in $open_files; do
    case $text in
    /*)
      case $newline$nodes$newline in
      *"$newline$text$newline"* | *"$newline/${text##*/}$newline"*) add_holder ;;
      esac
      ;;
    *) process=$text ;;
    esac
  done
  set +f
  IFS=$saved
}

# Adds the process $process, once.
add_holder() {
  case $holders, in
  */"$process",*) return ;;
  esac
  value_of "/proc/$process/comm"
  encode "$value"
  holders=$holders${holders:+,}$encoded/$process
}

# Whether the wanted driver is there and takes a device by name, and if it is not there whether its module is.
look_at_wanted() {
  registered=- bindable=- loadable=- similar=- lack=- takes_ids=-
  if [ "$wanted" != - ]; then
    decode "$wanted"
    folder=$sys/bus/$bus/drivers/$decoded
    registered=$(yes_if test -d "$folder")
    bindable=$(yes_if test -e "$folder/bind")
    [ "$registered" = no ] || read_new_id_files "$folder"
    if [ "$registered" = no ]; then
      names_in "$sys/bus/$bus/drivers"
      similar=${list:--}
      [ "$module" = - ] || module_there
    fi
  fi
  answer="$answer registered=$registered bindable=$bindable loadable=$loadable similar=$similar lack=$lack takesIds=$takes_ids"
}

# loadable: yes, no, or "-" where the board has no list of modules. "-" and "_" are one in a module's name.
module_there() {
  decode "$module"
  pattern=''
  left=$decoded
  while [ -n "$left" ]; do
    tail=${left#?}
    char=${left%"$tail"}
    case $char in
    [-_]) char='[-_]' ;;
    [!A-Za-z0-9]) char=. ;;
    esac
    pattern=$pattern$char
    left=$tail
  done
  find_installed
  [ -r "$installed/modules.dep" ] && loadable=$(yes_if grep -qE "(^|/)$pattern\.ko" "$installed/modules.dep")
  find_lack
}

# --- siblings: who is taken along with a device -------------------------------------------------------------------------------

# Takes an item `siblings` apart: of which kind a device's are. An apply is told those that the plan saw, of all kinds together.
read_siblings_item() {
  [ "$#" -ge 3 ] || exit 64
  check_device "$2"
  case $operation:$#:$3 in look:3:group | look:3:slot | apply:*:group | apply:*:slot) ;; *) exit 64 ;; esac
  number=$(($2 + 1))
  eval "along_$number=\"\$along_$number $3\""
  shift 3
  for word in "$@"; do
    read_name "$word"
    encode "$decoded"
    eval "seen_siblings_$number=\"\$seen_siblings_$number \$encoded\""
  done
}

# siblings: the encoded names of those that are taken along with the device number $1, each after a space. None where the device is
# not there, and where the kernel may hold its files.
find_siblings() {
  siblings=''
  eval "kinds=\$along_$1"
  [ -n "$kinds" ] || return 0
  device_number "$1"
  [ -n "$name" ] && [ -e "$device" ] || return 0
  journal_of "$key"
  [ "$journal" != stuck ] || return 0
  here=$PWD
  case $kinds in *group*)
    for entry in "$device"/iommu_group/devices/*; do
      add_sibling "$entry"
    done
    ;;
  esac
  case $bus:$kinds in pci:*slot*)
    for entry in "$sys/bus/pci/devices/${name%.*}".*; do
      add_sibling "$entry"
    done
    ;;
  esac
  cd "$here" 2>/dev/null || cd /
}

# Adds the device behind the link $1, which may bear another name there, if it is another one of the same bus. A bridge is never
# taken along: what is behind it would go too.
add_sibling() {
  follow "$1" && text=$followed && entry=${followed##*/} || return 0
  [ "$entry" != "$name" ] && follow "$sys/bus/$bus/devices/$entry" && [ "$followed" = "$text" ] || return 0
  if [ "$bus" = pci ]; then
    value_of "$text/class"
    case $value in 0x0604* | 0x0607*) return 0 ;; esac # of PCI and of CardBus, as vfio's own rule has it
    ! follow "$text/driver" || [ "${followed##*/}" != pcieport ] || return 0
  fi
  encode "$entry"
  case "$siblings " in
  *" $encoded "*) ;;
  *) siblings="$siblings $encoded" ;;
  esac
}

# Whether those that are taken along with the device number $number are the ones that the plan saw.
has_same_siblings() {
  eval "kinds=\$along_$number seen=\$seen_siblings_$number"
  [ -n "$kinds" ] || return 0
  find_siblings "$number"
  [ "${#siblings}" -eq "${#seen}" ] || return 1
  for sibling in $siblings; do
    case "$seen " in
    *" $sibling "*) ;;
    *) return 1 ;;
    esac
  done
}

# --- the list: a whole board as data; never writes ---------------------------------------------------------------------------

# What a board of 400 devices must tell in a few seconds: nothing here forks for each device. A link is followed by the shell's own
# cd, files are read by its read; only the strings `compatible`, between which are NULs, are read by others, for a whole bus at once.
answer_list() {
  start_clock look
  await_quiet
  say_board
  find_protected
  find_journals
  find_cards
  for folder in "$sys/bus"/*/devices; do
    [ -d "$folder" ] || continue
    bus=${folder%/devices}
    bus=${bus##*/}
    encode "$bus" && bus_key=$encoded
    case $asked_buses in
    '' | *" $bus_key "*) list_bus ;;
    esac
  done
  list_claims
  list_journals
  cd /
  stop_clock
}

# followed: the folder that the link $1 leads to; fails where it leads nowhere. (mksh keeps the link's path in PWD.)
follow() {
  cd -P "$1" 2>/dev/null || return 1
  followed=$PWD
  [ "$followed" != "$1" ] || followed=$(pwd -P)
}

# held_devices: the keys of those in a stuck journal, of which some files are not read, since that would not end.
find_journals() {
  held_devices=' '
  for file in "$state"/stuck.*; do
    read_whole_journal && [ "$journal" = stuck ] || continue
    for text in $journaled; do
      held_devices="$held_devices${text%%,*},${text#*,} "
    done
  done
}

# Of the journal $file: journal, how it stands; journaled, the keys of its devices; journal_id and journal_claimant.
read_whole_journal() {
  [ -n "$state" ] && [ -r "$file" ] || return 1
  journaled='' journal_id=- journal_claimant=- writer='' journal=interrupted
  while read -r word rest; do
    case $word in
    transaction) journal_id=$rest ;;
    claimant) journal_claimant=$rest ;;
    writer) writer=$rest ;;
    device)
      text=${rest#*,}
      journaled=$journaled${journaled:+ }${rest%%,*},${text%%,*}
      ;;
    esac
  done <"$file"
  lives "$writer" || return 0
  case ${file##*/} in
  stuck.*) journal=stuck ;;
  *) journal=running ;;
  esac
}

# cards: lines of "<real path of the device that makes it><tab><network interface>".
find_cards() {
  cards=''
  for link in "$sys"/class/net/*/device; do
    follow "$link" || continue
    link=${link%/device}
    cards=$cards$followed$tab${link##*/}$newline
  done
}

# bus_cards: the same for the nearest device on $bus above each interface, as a selector by it chooses.
find_bus_cards() {
  bus_cards=''
  saved=$IFS IFS=$newline
  set -f
  for text in $cards; do
    path=${text%%"$tab"*}
    while [ -n "$path" ] && [ "$path" != "$sys" ]; do
      entry=$sys/bus/$bus/devices/${path##*/}
      if [ -e "$entry" ] && follow "$entry" && [ "$followed" = "$path" ]; then
        bus_cards=$bus_cards$path$tab${text#*"$tab"}$newline
        break
      fi
      path=${path%/*}
    done
  done
  set +f
  IFS=$saved
}

# Those with strings `compatible` first, then all others.
list_bus() {
  find_bus_cards
  set -- "$sys/bus/$bus/devices"/*/of_node/compatible
  [ ! -r "$1" ] || list_compatible "$@"
  list=''
  for device in "$sys/bus/$bus/devices"/*; do
    [ -r "$device/of_node/compatible" ] || list_device
  done
}

# The devices whose files `compatible` are named: tail heads each with its name, since there is always more than one.
list_compatible() {
  device=''
  saved=$IFS IFS=$newline
  set -f
  for said in $(tail -c +1 "$@" /dev/null 2>/dev/null | tr '\0' '\n'); do
    set +f
    IFS=$saved # the words are made; what is called below splits its own
    case $said in
    '==> '*/of_node/'compatible <==' | '==> /dev/null <==')
      [ -z "$device" ] || list_device
      device=${said#==> }
      device=${device%/of_node/compatible <==} list=''
      ;;
    *) encode "$said" && list=$list${list:+,}$encoded ;;
    esac
  done
  set +f
  IFS=$saved
}

# Says all of $device but what it does not have. list: its strings `compatible`.
list_device() {
  follow "$device" || return 0
  real=$followed
  encode "${device##*/}" && key=$bus_key,$encoded
  answer="listed bus=$bus_key name=$encoded"
  fact path "${real#"$root"}"
  follow "$device/driver" && fact driver "${followed##*/}"
  case $held_devices in
  *" $key "*) override=-unknown ;;
  *) read_override ;;
  esac
  [ "$override" = -unsupported ] || answer="$answer override=$override"
  value_of "$device/modalias" && fact modalias "$value"
  answer=$answer${list:+ compatible=$list}
  follow "$device/of_node" && case $followed in
  */devicetree/base/*) fact node "${followed#*/devicetree/base}" ;;
  esac
  list_ids
  follow "$device/iommu_group" && fact group "${followed##*/}"
  list_cards
  guard_of "$real"
  fact guard "$guard"
  read_claim "$key"
  [ "$claimed_by" = - ] || answer="$answer claimant=$claimed_by"
  [ ! -e "$kept/persist.$key" ] || answer="$answer kept=yes"
  say "$answer"
}

# Adds $1=$2 to the answer, unless it is empty.
fact() {
  [ -n "$2" ] || return 0
  encode "$2"
  answer="$answer $1=$encoded"
}

list_ids() {
  entry=$device
  case $bus in
  pci) read_numbers vendor device subsystem_vendor subsystem_device && fact pci "$text" ;;
  usb) read_numbers idVendor idProduct && fact usb "$text" ;;
  esac
}

# Adds the network interfaces of which the device at $real is the nearest of its bus.
list_cards() {
  case $newline$bus_cards in
  *"$newline$real$tab"*) ;;
  *) return 0 ;;
  esac
  names='' cards_left=$bus_cards
  while [ -n "$cards_left" ]; do
    text=${cards_left%%"$newline"*}
    cards_left=${cards_left#*"$newline"}
    [ "${text%%"$tab"*}" = "$real" ] || continue
    encode "${text#*"$tab"}"
    names=$names${names:+,}$encoded
  done
  answer="$answer cards=$names"
}

# Says every claim, also on what is gone; and what a file persist tells of where nobody claims it.
list_claims() {
  for file in "$state"/claim.* "$kept"/persist.*; do
    [ -r "$file" ] || continue
    key=${file##*/}
    of=${key%%.*} key=${key#*.}
    case $key in
    *,*) ;;
    *) continue ;;
    esac
    if [ "$of" = claim ]; then
      [ -n "$state" ] || continue
    elif [ -e "$state/claim.$key" ]; then
      continue
    fi
    read_claim_file "$file"
    decode "${key%%,*}" && bus=$decoded
    decode "${key#*,}"
    answer="claim is=$of bus=${key%%,*} device=${key#*,} present=$(yes_if test -e "$sys/bus/$bus/devices/$decoded")"
    say "$answer claimant=$claimed_by driver=$claimed_driver override=$claimed_override transaction=$claimed_transaction kept=$(yes_if test -e "$kept/persist.$key")"
  done
}

# Says every journal, with its devices as <bus>;<name>.
list_journals() {
  for file in "$state"/journal.* "$state"/stuck.*; do
    read_whole_journal || continue
    list=''
    for text in $journaled; do
      list="$list${list:+,}${text%%,*};${text#*,}"
    done
    say "journal transaction=$journal_id claimant=$journal_claimant is=$journal devices=${list:--}"
  done
}

# --- the guard: what this session, the disks and the console stand on ------------------------------------------------------

# protected: lines of "<real path><tab><why>", for every device that must not be taken away.
find_protected() {
  protected=''
  protect_network
  protect_storage
  value_of "$sys/class/tty/console/active"
  for active in $value; do
    protect "$sys/class/tty/$active/device" "the console $active"
  done
  for watchdog in "$sys"/class/watchdog/*; do
    protect_watchdog "the watchdog ${watchdog##*/}"
  done
  protect_physical_functions
  protect_suppliers
}

# Some drivers don't tell their watchdog's device: then all devices of the driver that bears its name.
protect_watchdog() {
  if [ -e "$watchdog/device" ]; then
    protect "$watchdog/device" "$1"
  else
    value_of "$watchdog/identity"
    for entry in "$sys"/bus/*/drivers/"${value:-none}"/*; do
      [ ! -e "$entry/driver" ] || protect "$entry" "$1"
    done
  fi
}

# Adds the device behind the link $1, for the reason $2.
protect() {
  [ -e "$1" ] || return 0
  real=$(readlink -f "$1")
  case $newline$protected in
  *"$newline$real$tab"*) ;;
  *) protected=$protected$real$tab$2$newline ;;
  esac
}

# The cards that carry this session: by the local address and by the route back. None found: all that are up.
protect_network() {
  # shellcheck disable=SC2086 # client address, port, own address, port
  set -- ${SSH_CONNECTION-}
  card=''
  if [ "$#" -ge 4 ]; then
    for card in $(cards_with_address "${3%%\%*}") $(card_towards "${1%%\%*}"); do
      protect_card "$card" "the network card $card, which carries this SSH session"
    done
  fi
  case $protected in
  */*) return ;;
  esac
  for folder in "$sys"/class/net/*; do
    value_of "$folder/operstate"
    [ "$value" = down ] || protect_card "${folder##*/}" "the network card ${folder##*/} (which card carries this session is not known)"
  done
}

cards_with_address() {
  ip -o addr show 2>/dev/null | while read -r _ card _ address _; do
    [ "${address%%/*}" = "${1#::ffff:}" ] && echo "${card%@*}"
  done
}

card_towards() {
  ip route get "${1#::ffff:}" 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p'
}

# A bond, bridge or VLAN stands on the cards below it.
protect_card() {
  protect "$sys/class/net/$1/device" "$2"
  for lower in "$sys/class/net/$1"/lower_*; do
    [ -e "$lower" ] && protect_card "${lower##*/lower_}" "$2, over ${lower##*/lower_}"
  done
}

# A card's physical function takes its virtual functions along. (Its sriov_numvfs isn't read: that waits for a device that is held.)
protect_physical_functions() {
  function=''
  for link in "$sys"/bus/pci/devices/*/virtfn*/driver; do
    [ -e "$link" ] && [ "${link%/virtfn*}" != "${function%/*}" ] || continue
    driver=$(readlink "$link")
    function=${link%/driver}
    virtual=$(readlink "$function")
    protect "${function%/*}" "the virtual function ${virtual##*/}, which ${driver##*/} has"
  done
}

# What is mounted, in use or swapped to. A mount whose device cannot be told guards every disk and every card.
protect_storage() {
  [ -r "$root/proc/self/mountinfo" ] || protect_everything "what is mounted here is not known"
  mounts_seen=' '
  protect_mounts "$root/proc/self/mountinfo" ''
  protect_other_namespaces
  where=''
  while read -r swap _; do
    case $swap in
    /*) protect_swap ;;
    esac
  done 2>/dev/null <"$root/proc/swaps"
  protect_superblocks
}

# The mounts that the file $1 tells of, each device once. $2: whose mounts they are, where they are not ours.
protect_mounts() {
  while read -r _ _ numbers _ where options; do
    case $mounts_seen in
    *" $numbers "*) continue ;;
    esac
    mounts_seen="$mounts_seen$numbers "
    where=$where$2
    if [ -e "$sys/dev/block/$numbers" ]; then
      protect_disk "$sys/dev/block/$numbers" "the disk under $where"
    else
      protect_mount_without_disk
    fi
  done 2>/dev/null <"$1"
}

# Containers and some services have mounts of their own: one process of each mount namespace tells of them.
protect_other_namespaces() {
  link=$(readlink "$root/proc/self/ns/mnt")
  link=${link#*\[}
  namespaces_seen=" ${link%\]} "
  # shellcheck disable=SC2012 # the links' targets are wanted, and ls reads them all at once
  for entry in $(ls -l "$root"/proc/[0-9]*/ns/mnt 2>/dev/null | sed -n 's|.*/proc/\([0-9]*\)/ns/mnt -> mnt:\[\(.*\)\]|\1,\2|p'); do
    case $namespaces_seen in
    *" ${entry#*,} "*) continue ;;
    esac
    namespaces_seen="$namespaces_seen${entry#*,} "
    protect_mounts "$root/proc/${entry%%,*}/mountinfo" " of process ${entry%%,*}"
  done
}

# What no list of mounts tells: a file system that was unmounted while files on it are open, and disks that others are made of.
protect_superblocks() {
  for entry in "$sys"/fs/ext4/* "$sys"/fs/xfs/* "$sys"/fs/f2fs/* "$sys"/fs/btrfs/*/devices/*; do
    [ ! -e "$sys/class/block/${entry##*/}" ] || protect_disk "$sys/class/block/${entry##*/}" "the disk ${entry##*/}, whose file system is in use"
  done
  for entry in "$sys"/class/block/*/holders/*; do
    [ -e "$entry" ] || continue
    disk=${entry%/holders/*}
    protect_disk "$disk" "the disk ${disk##*/}, of which ${entry##*/} is made"
  done
  for entry in "$sys"/class/block/loop*/loop/backing_file; do
    value_of "$entry"
    [ ! -b "$root$value" ] || protect_disk "$sys/class/block/${value##*/}" "the disk ${value##*/}, of which a loop is made"
  done
}

# A swap file lies on a mount, which is protected by itself; one that is not seen may lie anywhere.
protect_swap() {
  if [ -e "$sys/class/block/${swap##*/}" ]; then
    protect_disk "$sys/class/block/${swap##*/}" "the swap $swap"
  elif [ ! -f "$root$swap" ]; then
    protect_everything "the swap $swap, whose device is not known"
  fi
}

# The mount at $where, whose $options end with its type, source and options, without spaces.
protect_mount_without_disk() {
  set -f
  # shellcheck disable=SC2086 # three words
  set -- ${options##* - }
  set +f
  protect_mount "${1-}" "${2-}" "${3-}"
}

# The mount at $where of the type $1, source $2 and options $3, which has no disk of its own number.
protect_mount() {
  why="$where is a mount of type $1, whose device is not known"
  case $1 in
  autofs | bpf | binder | binfmt_misc | cgroup | cgroup2 | configfs | debugfs | devpts | devtmpfs | efivarfs | functionfs | fusectl) ;;
  hugetlbfs | mqueue | nfsd | nsfs | proc | pstore | ramfs | resctrl | rootfs | rpc_pipefs | securityfs | selinuxfs | smackfs) ;;
  sysfs | tmpfs | tracefs | xenfs | fuse.lxcfs | fuse.portal | fuse.gvfsd-fuse) ;;
  overlay) layers_are_mounted "$3" || protect_everything "$why" ;;
  btrfs) protect_each_disk "$sys"/fs/btrfs/*/devices/* ;;
  ubifs)
    volume=${2#/dev/}
    volume=${volume#ubi}
    value_of "$sys/class/ubi/ubi${volume%%[!0-9]*}/mtd_num"
    if [ -n "$value" ] && [ -e "$sys/class/mtd/mtd$value/device" ]; then
      protect "$sys/class/mtd/mtd$value/device" "the flash under $where"
    else
      protect_everything "$why"
    fi
    ;;
  *) protect_everything "$why" ;;
  esac
}

# Whether the layers that $1 names are folders of other mounts, which are protected by themselves. Those of the root are not
# believed: what bore their names when it was mounted is out of sight.
layers_are_mounted() {
  [ "$where" != / ] || return 1
  saved=$IFS IFS=,:
  set -f
  # shellcheck disable=SC2086 # options and paths
  set -- $1
  set +f
  IFS=$saved
  for layer in "$@"; do
    case $layer in
    *=/*) layer=${layer#*=} ;;
    /*) ;;
    *) continue ;;
    esac
    [ -d "$root$layer" ] || return 1
  done
}

# The disks of a file system that lies on several: which of them is whose is not told, so all.
protect_each_disk() {
  [ -e "$1" ] || protect_everything "$why"
  for entry in "$@"; do
    protect_disk "$entry" "a disk of the file system under $where"
  done
}

# A partition stands on its disk, a dm or md device on others.
protect_disk() {
  protect "$1" "$2"
  for slave in "$1"/slaves/*; do
    [ -e "$slave" ] && protect_disk "$slave" "$2, over ${slave##*/}"
  done
  if [ -e "$1/partition" ]; then
    protect_disk "$1/.." "$2"
  else
    protect_below "$1" "$2"
  fi
}

# What the disk $1 lies on where it has no hardware of its own. One that tells nothing of it may lie anywhere.
protect_below() {
  disk=$(readlink -f "$1")
  case $disk in
  */devices/virtual/nvme-subsystem/*)
    for entry in "${disk%/*}"/nvme[0-9]*; do
      [ ! -L "$entry" ] || protect "$entry" "$2, over ${entry##*/}"
    done
    ;;
  */devices/virtual/*/ram[0-9]*) ;;
  */devices/virtual/*/zram[0-9]*)
    value_of "$1/backing_dev"
    [ "${value:-none}" = none ] || protect_backing "$2"
    ;;
  */devices/virtual/*)
    if [ -e "$1/loop" ]; then
      value_of "$1/loop/backing_file"
      protect_backing "$2"
    else
      for entry in "$1"/slaves/*; do
        [ -e "$entry" ] || protect_everything "$2, which does not tell what it lies on"
      done
    fi
    ;;
  esac
}

# A loop over a disk stands on it; the file under one lies on a mount, which is protected by itself, unless it is not seen or bears
# the root.
protect_backing() {
  if [ -b "$root$value" ] && [ -e "$sys/class/block/${value##*/}" ]; then
    protect_disk "$sys/class/block/${value##*/}" "$1, over ${value##*/}"
  elif [ -z "$value" ] || [ ! -f "$root$value" ] || [ "$where" = / ]; then
    protect_everything "$1 is a file that is not seen"
  fi
}

protect_everything() {
  for entry in "$sys"/class/block/*/device "$sys"/class/net/*/device "$sys"/class/mtd/*/device; do
    protect "$entry" "$1"
  done
}

# What a protected device, or a parent of it, is supplied by is protected too, and so on; and who shares its IOMMU group.
protect_suppliers() {
  seen=''
  while [ "$seen" != "$protected" ]; do
    seen=$protected
    left=$protected
    while [ -n "$left" ]; do
      line=${left%%"$newline"*}
      left=${left#*"$newline"}
      path=${line%%"$tab"*}
      why=${line#*"$tab"}
      while [ "${path%/*}" != "$sys" ] && [ -n "$path" ]; do
        for link in "$path"/supplier:*/supplier; do
          supplier=${link#"$path"/supplier:}
          protect "$link" "$why, supplied by ${supplier%/supplier}"
        done
        for link in "$path"/iommu_group/devices/*; do
          protect "$link" "$why, in one IOMMU group with it"
        done
        path=${path%/*}
      done
    done
  done
}

# guard: why the device at the real path $1 must not be taken away, empty if it may.
guard_of() {
  guard=''
  left=$protected
  while [ -n "$left" ]; do
    line=${left%%"$newline"*}
    left=${left#*"$newline"}
    path=${line%%"$tab"*}
    case $path in
    "$1") guard=${line#*"$tab"} ;;
    "$1"/*) guard="${line#*"$tab"} (through ${path#"$1"/})" ;;
    esac
    [ -z "$guard" ] || return 0
  done
}

# --- the state folder, the lock and who lives ------------------------------------------------------------------------------

# state: the folder for this boot below the first of four that is ours and in memory; empty where there is none, or where somebody
# else or a link took its name: no later one then, or two scripts might choose differently.
choose_state() {
  state=''
  for base in /run /var/run /dev/shm /tmp; do
    [ -d "$root$base" ] && [ ! -L "$root$base" ] && is_ours "$root$base" && is_in_memory "$base" || continue
    top=$root$base/devbind
    [ -L "$top" ] && return
    [ -e "$top" ] && ! is_ours "$top" && return
    state=$top/$boot
    return
  done
}

# Whether the folder $1 belongs to the user who asks: root, and on a test's made tree the tester.
is_ours() {
  # shellcheck disable=SC2012,SC2046 # the owner is the third word; no name is parsed
  set -- $(ls -ldn "$1" 2>/dev/null)
  [ "${3-}" = "$uid" ]
}

# Whether the folder $1 lies on a file system that is only memory.
is_in_memory() {
  mount_of "$1"
  case $mounted_as in
  tmpfs | ramfs | rootfs | devtmpfs) return 0 ;;
  *) return 1 ;;
  esac
}

# mounted_as, mounted_with: the type and options of the mount that the folder $1 lies on: the one with the longest name above it, and
# the last of these. (The name without its slash has a variable of its own: bash 5.2 matches nothing where the root's becomes empty.)
mount_of() {
  mounted_as='' mounted_with='' longest=''
  while read -r _ where type options _; do
    above=${where%/}
    case $1/ in
    "$above"/*) [ "${#where}" -ge "${#longest}" ] && longest=$where mounted_as=$type mounted_with=$options ;;
    esac
  done 2>/dev/null <"$root/proc/mounts"
}

# Makes the state folder, drops what another boot left, and refuses a folder that somebody else made.
make_state() {
  [ -n "$state" ] || return 1
  top=${state%/*}
  [ -L "$top" ] && return 1
  [ -d "$top" ] || mkdir "$top" 2>/dev/null
  is_ours "$top" || return 1
  [ -d "$state" ] || mkdir "$state" 2>/dev/null
  [ -d "$state" ] || return 1
  for old in "$top"/*; do
    [ "$old" = "$state" ] || rm -rf "$old"
  done
}

# who: pid, start time and boot of the process $1 ("self": the very (sub)shell that asks); a pid alone may be used again. Fails
# where it does not live; a zombie does not.
identify() {
  who='' stat=''
  { IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null
  [ -n "$stat" ] || return 1
  # shellcheck disable=SC2086 # fields of proc(5)
  set -- "${stat%% *}" ${stat##*) }
  case $2 in Z | X) return 1 ;; esac
  who=$1
  shift 20
  who=$who.$1.$boot
}

# Whether the process that $1 names still lives.
lives() {
  [ "${1##*.}" = "$boot" ] && identify "${1%%.*}" && [ "$who" = "$1" ]
}

# owner: who holds the board's lock; fails when nobody does.
lock_owner() {
  [ -n "$state" ] && [ -L "$state/lock" ] && owner=$(readlink "$state/lock")
}

# Takes the lock for $me: a symlink, so that the lock and its owner appear at once. Waits $1 seconds for a living owner; owner
# is empty when it fails for want of room.
take_lock() {
  patience=$1 tries=0
  until ln -s "$me" "$state/lock" 2>/dev/null; do
    tries=$((tries + 1))
    if ! lock_owner; then
      owner=''
      [ "$tries" -lt 50 ] || return 1
    elif lives "$owner" || [ "$tries" -ge 50 ]; then
      [ "$patience" -gt 0 ] || return 1
      patience=$((patience - 1)) tries=0
      sleep 1
    else
      remove_link lock "$owner"
    fi
  done
}

# Removes the link $1 if it is still $2's, as the only one who may: whoever holds the link $3, broke.<owner>. A breaker that died
# is broken in the same way; one that died at a link of its own has taken that name already, so there it is broke.broke.<owner>.
remove_link() {
  right=${3:-broke.$2}
  if ln -s "$me" "$state/$right" 2>/dev/null; then
    [ "$(readlink "$state/$1")" = "$2" ] && rm -f "$state/$1"
    rm -f "$state/$right"
  else
    breaker=$(readlink "$state/$right") || return 0
    ! lives "$breaker" || return 0
    if [ "$right" = "broke.$breaker" ]; then
      remove_link "$right" "$breaker" "broke.$right"
    else
      remove_link "$right" "$breaker"
    fi
  fi
}

# --- journals and claims ---------------------------------------------------------------------------------------------------

# Files below the state folder: lock, broke.<owner>, claim.<bus>,<device>; new.<n>.<pid.start.boot> while it is written; and for a
# transaction asked.<id> (a link to its writer), journal.<id>, and how that ended, by whoever renames it first: done.<id> or
# undone.<id> (only until outcome.<id> is there), or stuck.<id>, of which held.<id> tells until there is an outcome;
# unconfirmed.<id> while a new login is waited for, and confirmed.<id> when it came; replaced.<id>.<bus>,<device>: the claim that
# it replaced or dropped, until it is done.

# Journals, format 1, frozen:  devbind-journal 1 / transaction <id> / claimant <name> / writer <pid.start.boot> /
#   device <bus>,<name>,<driver before>,<override before>,<driver wished>,<override wished> ... /
#   (where there are any) interface <bus>,<name>,<network interface by which it was chosen>,<number of its folder> ... /
#   (where there are some) id <bus>,<driver>,<for its new_id>,<absent|there before>,<device without driver that shares it>... ... /
#   modules <name>,... (not loaded before) / after <command to run after the undo, its words encoded> / end <number of devices>
write_journal() {
  number=1 there=0
  {
    echo "devbind-journal 1"
    echo "transaction $transaction"
    echo "claimant $claimant"
    echo "writer $me"
    while [ "$number" -le "$devices" ]; do
      if ! was_gone "$number"; then
        eval "echo \"device \$key_$number,\$seen_driver_$number,\$seen_override_$number,\$wish_driver_$number,\$wish_override_$number\""
        echo_interface "$number"
        there=$((there + 1))
      fi
      number=$((number + 1))
    done
    echo_ids
    [ -z "$loading" ] || echo "modules $loading"
    [ "$afters" -eq 0 ] || echo_after
    echo "end $there"
  } >"$state/new.0.$me" 2>/dev/null
  [ "$(tail -n 1 "$state/new.0.$me" 2>/dev/null)" = "end $there" ] &&
    mv "$state/new.0.$me" "$state/journal.$transaction" 2>/dev/null
}

# Whether the plan saw no device in the place number $1.
was_gone() {
  eval "[ \"\$seen_driver_$1\" = -gone ]"
}

echo_after() {
  text=after number=1
  while [ "$number" -le "$afters" ]; do
    eval "encode \"\$after_$number\""
    text="$text $encoded"
    number=$((number + 1))
  done
  echo "$text"
}

# journal: "interrupted", "running" or "stuck" where a journal names the device with the key $1, else "-". Stuck is one whose
# writer lives and is held; one whose writer is gone is for the next transaction to undo, or to let go.
journal_of() {
  journal=-
  [ -n "$state" ] || return 0
  for file in "$state"/journal.* "$state"/stuck.*; do
    [ -r "$file" ] && grep -qF "device $1," "$file" || continue
    read_writer "$file"
    journal=interrupted
    lives "$writer" || continue
    case ${file##*/} in
    stuck.*) journal=stuck ;;
    *) journal=running ;;
    esac
  done
}

# writer: who wrote the journal $1.
read_writer() {
  writer=''
  while read -r word rest; do
    [ "$word" = writer ] && writer=$rest
  done <"$1"
}

# Undoes what dead writers left, before anything else is done: the lock is ours, so nobody else is at it. A stuck journal is left
# alone unless it names a device of ours.
recover() {
  sweep
  for file in "$state"/journal.* "$state"/stuck.*; do
    [ -r "$file" ] || continue
    read_writer "$file"
    lives "$writer" && continue
    case ${file##*/} in
    stuck.*) names_ours "$file" || continue ;;
    esac
    recovered=$recovered${recovered:+,}${file##*.}
    recover_one "$file" "${file##*.}"
  done
}

# What dead writers had in their hands, and transactions that had ended but not yet said so.
sweep() {
  sweep_kept
  for file in "$state"/new.*; do
    writer=${file##*/new.}
    [ ! -e "$file" ] || lives "${writer#*.}" || rm -f "$file"
  done
  for file in "$state"/asked.* "$state"/broke.*; do
    [ ! -L "$file" ] || lives "$(readlink "$file")" || rm -f "$file"
  done
  for file in "$state"/replaced.* "$state"/confirmed.*; do
    ended=${file##*/}
    ended=${ended#*.}
    [ -e "$state/journal.${ended%%.*}" ] || [ -e "$state/stuck.${ended%%.*}" ] || rm -f "$file"
  done
  for file in "$state"/done.* "$state"/undone.*; do
    [ -r "$file" ] || continue
    read_writer "$file"
    ended=${file##*/}
    lives "$writer" || { keep_outcome "${file##*.}" "is=${ended%%.*}" && rm -f "$file"; }
  done
}

# Undoes the journal $1 of the transaction $2. One that cannot be undone is kept as stuck; one that was stuck already is let go,
# since a new wish for the device is the way out.
recover_one() {
  adopt "$1"
  undo_claims "$2"
  undo_kept "$2"
  rm -f "$state/unconfirmed.$2" "$state/confirmed.$2"
  undo_journal "$2"
  undone=$?
  after_failed=${after_failed:+ after=$after_failed}
  if [ "$undone" -eq 0 ]; then
    keep_outcome "$2" "is=undone problem=killed$after_failed"
    rm -f "$1" "$state/stuck.$2"
  elif [ "$1" = "$state/stuck.$2" ]; then
    keep_outcome "$2" "is=stuck problem=killed left=$first_left undoing=$first_word"
    rm -f "$1"
  else
    mv "$1" "$state/stuck.$2"
    keep_outcome "$2" "is=stuck problem=killed left=$first_left undoing=$first_word"
  fi
}

# From now on the journal $1 is ours: who looks at it must know that somebody is at it, and lives.
adopt() {
  sed "s/^writer .*/writer $me/" "$1" >"$state/new.0.$me" 2>/dev/null &&
    [ "$(tail -n 1 "$state/new.0.$me")" = "$(tail -n 1 "$1")" ] && mv "$state/new.0.$me" "$1"
}

names_ours() {
  number=1
  while [ "$number" -le "$devices" ]; do
    eval "key=\$key_$number"
    grep -qF "device $key," "$1" && return 0
    number=$((number + 1))
  done
  return 1
}

# journal_text: the journal of the transaction $1, under whichever name it has now: a script whose patience ends renames it.
read_journal() {
  for word in journal stuck; do
    journal_text=$(cat "$state/$word.$1" 2>/dev/null)
    case $journal_text in
    *"${newline}end "*) return 0 ;;
    esac
  done
  return 1
}

# Brings every device of the transaction $1 to its state before, the last one first, and once more what needed another one that
# came back after it. first_left and first_word: the first device
# that did not come back and what was refused.
undo_journal() {
  first_left=journal first_word=read entries='' words='' added_ids='' loaded=''
  read_journal "$1" || return 1
  saved=$IFS IFS=$newline
  set -f
  for text in $journal_text; do
    case $text in
    "device "*) entries="${text#device } $entries" ;;
    "after "*) words=${text#after } ;;
    "id "*) added_ids="$added_ids ${text#id }" ;;
    "modules "*) loaded=${text#modules } ;;
    esac
  done
  set +f
  IFS=$saved
  undo_ids
  rounds=2 first_left=again
  while [ "$rounds" -gt 0 ] && [ -n "$first_left" ]; do
    rounds=$((rounds - 1)) first_left=''
    for entry in $entries; do
      saved=$IFS IFS=,
      # shellcheck disable=SC2086 # split at the commas
      set -- $entry
      IFS=$saved
      decode "$1" && bus=$decoded
      decode "$2" && name=$decoded
      device=$sys/bus/$bus/devices/$name
      converge "$3" "$4" || [ -n "$first_left" ] || first_left=$left_over first_word=$undo_word
    done
  done
  unload "$loaded"
  undo_after
  [ -z "$first_left" ]
}

# Runs the command, encoded $words, that the journal wants run after an undo. after_failed: encoded, what went wrong with it.
undo_after() {
  after_failed=''
  [ -n "$words" ] || return 0
  set --
  for word in $words; do
    decode "$word"
    set -- "$@" "$decoded"
  done
  run_after "$@" && return 0
  encode "$text"
  after_failed=$encoded
}

# Claims, format 1, frozen:  devbind-claim 1 / claimant <name> / driver <before> / override <before> / transaction <id> /
#   (where there are some) interface, as in journals / id <bus>,<driver>,<what was added to its new_id> ... / modules <name>,... / end 4
# claimed_by, claimed_driver, claimed_override, claimed_transaction, claimed_interface: the claim on the device with the key $1, "-"
# for none; claimed_ids, claimed_id_drivers, claimed_modules: what was added and loaded for it, empty for nothing.
read_claim() {
  read_claim_file "${state:-/dev/null}/claim.$1"
}

# The same of the file $1: a claim, or a file persist, which tells these things in the same words.
read_claim_file() {
  claimed_by=- claimed_driver=- claimed_override=- claimed_transaction=- claimed_interface=-
  claimed_ids='' claimed_id_drivers='' claimed_modules=''
  [ -r "$1" ] || return 0
  while IFS=' ' read -r word rest; do
    case $word in
    claimant) claimed_by=$rest ;;
    driver) claimed_driver=$rest ;;
    override) claimed_override=$rest ;;
    transaction) claimed_transaction=$rest ;;
    interface)
      rest=${rest%,*}
      claimed_interface=${rest##*,}
      ;;
    modules) claimed_modules=$rest ;;
    id)
      claimed_ids="$claimed_ids $rest"
      rest=${rest#*,}
      claimed_id_drivers=$claimed_id_drivers${claimed_id_drivers:+,}${rest%%,*}
      ;;
    esac
  done <"$1"
}

# Writes what the request would have claimed to files of its own, while nothing is changed yet: later there may be no room.
prepare_claims() {
  number=1
  while [ "$number" -le "$devices" ]; do
    eval "claim=\$claim_$number past_driver=\$past_driver_$number past_override=\$past_override_$number"
    if [ "$claim" = take ]; then
      {
        echo "devbind-claim 1"
        echo "claimant $claimant"
        echo "driver $past_driver"
        echo "override $past_override"
        echo "transaction $transaction"
        echo_interface "$number"
        echo_notes "$number"
        echo "end 4"
      } >"$state/new.$number.$me" 2>/dev/null
      [ "$(tail -n 1 "$state/new.$number.$me" 2>/dev/null)" = "end 4" ] || return 1
    fi
    number=$((number + 1))
  done
}

# Takes, keeps or drops the claim on each device as the request says.
settle_claims() {
  number=1 number_of_step=$steps
  while [ "$number" -le "$devices" ]; do
    eval "key=\$key_$number claim=\$claim_$number"
    case $claim in
    take)
      set_aside "$key"
      mv "$state/new.$number.$me" "$state/claim.$key" 2>/dev/null || failed state '' || return 1
      eval "left=\$left_by_$number"
      for key in $left; do
        drop_claim "$key"
      done
      ;;
    drop) drop_claim "$key" && unloading=$unloading,$claimed_modules ;;
    esac
    number=$((number + 1))
  done
  for key in $lefts; do
    drop_claim "$key" && unloading=$unloading,$claimed_modules unclaimed="$unclaimed$claimed_ids"
  done
  return 0
}

# Drops the claim on the device with the key $1 if it is ours.
drop_claim() {
  read_claim "$1"
  [ "$claimed_by" = "$claimant" ] && set_aside "$1" && rm -f "$state/claim.$1"
}

# Takes back what claims told of that were dropped, where no other claim tells of it: ids of devices that have left, and modules.
let_go_of_extras() {
  added_ids=''
  for line in $unclaimed; do
    added_ids="$added_ids $line,absent"
  done
  undo_ids
  unload "$unloading"
}

# Keeps the claim on the device with the key $1 for an undo, where there are steps to undo.
set_aside() {
  [ ! -e "$state/claim.$1" ] || [ "$steps" -eq 0 ] || mv "$state/claim.$1" "$state/replaced.$transaction.$1"
}

# Gives up what the transaction $1 claimed, and brings back the claims that it replaced or dropped.
undo_claims() {
  for file_of_claim in "$state"/claim.*; do
    [ -r "$file_of_claim" ] && grep -qxF "transaction $1" "$file_of_claim" && rm -f "$file_of_claim"
  done
  for file_of_claim in "$state/replaced.$1".*; do
    [ ! -e "$file_of_claim" ] || mv "$file_of_claim" "$state/claim.${file_of_claim##*"/replaced.$1."}"
  done
  return 0
}

# --- what leads to a driver besides the override: ids, modules and their parameters, what vfio needs --------------------------

# Ends the script unless $1 is the place of a device that was named before, from 0.
check_device() {
  case $1 in '' | *[!0-9]* | ????*) exit 64 ;; esac
  [ "$1" -lt "$devices" ] || exit 64
}

# Takes an item `id` apart. A look is asked for the device's id by it; to an apply it says which id the plan saw, and who shared it.
read_id_item() {
  check_device "$2"
  number=$(($2 + 1)) others=''
  eval "asks_id_$number=yes id_$number=\${3-}"
  [ "$#" -gt 3 ] || return 0
  shift 3
  for word in "$@"; do
    others=$others${others:+,}$word
  done
  eval "others_$number=\$others"
}

# Takes an item `parameter` apart: of a module, "-" for the one of the device's driver.
read_parameter_item() {
  check_device "$2"
  [ "$#" -eq 5 ] || exit 64
  parameters=$((parameters + 1)) decoded=''
  [ "$3" = - ] || read_name "$3"
  eval "parameter_module_$parameters=\$decoded parameter_device_$parameters=$(($2 + 1))"
  read_name "$4"
  eval "parameter_name_$parameters=\$decoded"
  decode "$5"
  eval "parameter_value_$parameters=\$decoded"
}

# Adds to the answer what the device $index offers: which way may lead to the wanted driver, and what was asked about it.
look_at_offers() {
  look_at_matching
  look_at_id
  look_at_parameters
  look_at_vfio
}

# takes_ids: whether the driver in the folder $1 takes new ids (add) and lets go of them again (both), or takes none (no).
read_new_id_files() {
  takes_ids=no
  [ ! -e "$1/new_id" ] || takes_ids=add
  [ "$takes_ids" = no ] || [ ! -e "$1/remove_id" ] || takes_ids=both
}

# matches: whether an id that the wanted driver's module lists matches the device; "-" where an override makes it match anyway, or
# where that is not known: a driver without module or without ids of this kind, or one that somebody gave more ids.
look_at_matching() {
  matches=-
  value_of "$device/modalias"
  modalias=$value
  [ "$wanted" = - ] || [ "$override" != -unsupported ] || [ "$driver" = "$wanted" ] || find_match
  answer="$answer matches=$matches"
}

find_match() {
  decode "$wanted"
  folder=$sys/bus/$bus/drivers/$decoded
  decode "$module"
  [ ! -L "$folder/module" ] || decoded=$(readlink "$folder/module")
  with_underscores "${decoded##*/}"
  kind=${modalias%%:*}
  find_installed
  case $with_underscores,$kind in
  ,* | *, | *[!A-Za-z0-9_,-]*) return ;;
  esac
  [ -d "$folder" ] && [ ! -L "$folder/module" ] && return
  patterns=$(sed -n "s/^alias \($kind:[^ ]*\) $with_underscores\$/\1/p" "$installed/modules.alias" 2>/dev/null)
  [ -n "$patterns" ] || return
  # A list that can't be read, or that holds something, may hold what matches.
  [ ! -e "$folder/new_id" ] || { text=$(cat "$folder/new_id" 2>/dev/null) && [ -z "$text" ]; } || return
  matches=no
  saved=$IFS IFS=$newline
  set -f
  for text in $patterns; do
    # shellcheck disable=SC2254 # a pattern
    case $modalias in $text) matches=yes ;; esac
  done
  set +f
  IFS=$saved
}

# with_underscores: the module's name $1 as the kernel has it.
with_underscores() {
  with_underscores=$1
  while :; do
    case $with_underscores in
    *-*) with_underscores=${with_underscores%%-*}_${with_underscores#*-} ;;
    *) return ;;
    esac
  done
}

# id: what is written to a driver's new_id for the device at $1 and no other kind; empty where its files don't tell. A PCI id has a
# mark of ours in the byte of its class that no device has and that its mask leaves out: so remove_id never takes anybody else's.
read_id() {
  id=''
  if [ -e "$1/subsystem_device" ] && [ -e "$1/class" ]; then
    for fact in vendor device subsystem_vendor subsystem_device; do
      value_of "$1/$fact"
      id="$id${value#0x} "
    done
    value_of "$1/class"
    id="${id}db${value#0x} ffffff"
  elif [ -e "$1/bInterfaceClass" ] && [ -e "$1/../idProduct" ]; then
    for fact in ../idVendor ../idProduct bInterfaceClass; do
      value_of "$1/$fact"
      id=$id${id:+ }$value
    done
  fi
}

# id: what removes the id $1. The mark of a PCI id counts here.
read_removal() {
  id=$1
  case $1 in *' ffffff') id=${1}ff ;; esac
}

# alike: the other devices on $bus with the id $id, each with its driver; alike_names, and alike_free: those without driver.
find_alike() {
  of_all=$id alike='' alike_names='' alike_free=''
  for entry in "$sys/bus/$bus/devices"/*; do
    [ "${entry##*/}" != "$name" ] || continue
    read_id "$entry"
    [ "$id" = "$of_all" ] || continue
    link=$(readlink "$entry/driver")
    encode "${entry##*/}"
    alike_names=$alike_names${alike_names:+,}$encoded
    alike=$alike${alike:+,}$encoded
    [ -n "$link" ] || alike_free=$alike_free,$encoded
    encode "${link##*/}"
    alike="$alike;$encoded"
    [ "${#alike}" -le 30000 ] || of_all='' # more than an answer can list is more than anybody can allow
  done
  id=$of_all
}

look_at_id() {
  id='' alike=''
  eval "asks=\$asks_id_$index"
  if [ -n "$asks" ]; then
    read_id "$device"
    [ -z "$id" ] || find_alike
  fi
  encode "$id"
  answer="$answer id=$encoded alike=${alike:--}"
}

# Whether the device number $number has the id that the plan saw, and shares it with the same devices; those without driver are kept.
has_same_id() {
  eval "expected=\$id_$number others=\$others_$number free_$number=''"
  [ -n "$expected" ] || return 0
  read_id "$device"
  encode "$id"
  [ "$encoded" = "$expected" ] || return 1
  find_alike
  eval "free_$number=\$alike_free"
  [ "$alike_names" = "$others" ]
}

# What the steps will add and load, found out before anything is written. note_N: what the journal says of the id of step N, empty
# where that is somebody else's.
prepare_extras() {
  step=1
  while [ "$step" -le "$steps" ]; do
    eval "word=\$word_$step value=\$value_$step owner=\$owner_$step"
    device_number "$((owner + 1))"
    case $word in
    module) add_loading ;;
    new-id) prepare_new_id ;;
    remove-id) prepare_removal ;;
    esac
    step=$((step + 1))
  done
}

prepare_new_id() {
  eval "line=\$id_$((owner + 1)) free=\$free_$((owner + 1)) note_$step=''"
  decode "$line"
  id=$decoded
  encode "$bus" && text=$encoded
  encode "$value" && text=$text,$encoded
  line=$text,$line
  if claims_name_id "$line"; then
    eval "note_$step=\$line,there"
  elif ! lists_id "$sys/bus/$bus/drivers/$value" "$id"; then
    eval "note_$step=\$line,absent\$free"
  fi
}

# An id that another claim names too stays.
prepare_removal() {
  eval "note_$step=''"
  encode "$bus" && text=$encoded
  encode "$value" && text=$text,$encoded
  read_claim "$key"
  for line in $claimed_ids; do
    case $line in
    "$text",*) is_claimed_elsewhere "$line" || eval "note_$step=\$line,there" ;;
    esac
  done
}

# Whether the driver's folder $1 has a list of added ids that can be read, and on it the id $2. That of a PCI driver can't be read.
lists_id() {
  while read -r first second _; do
    case $2 in
    "$first $second" | "$first $second "*) return 0 ;;
    esac
  done 2>/dev/null <"$1/new_id"
  return 1
}

# Whether a claim on this board names the id $1: <bus>,<driver>,<id>.
claims_name_id() {
  grep -qxF "id $1" "$state"/claim.* 2>/dev/null
}

# Whether a claim names the id $1 whose device does not give it up in this transaction.
is_claimed_elsewhere() {
  for file in "$state"/claim.*; do
    grep -qxF "id $1" "$file" 2>/dev/null || continue
    other=1 is_given_up=''
    while [ "$other" -le "$steps" ]; do
      eval "text=\$word_$other:\$value_$other whose=\$((owner_$other + 1))"
      eval "whose=\$key_$whose"
      [ "$text,claim.$whose" != "remove-id:$value,${file##*/}" ] || is_given_up=yes
      other=$((other + 1))
    done
    [ -n "$is_given_up" ] || return 0
  done
  return 1
}

echo_ids() {
  step=1
  while [ "$step" -le "$steps" ]; do
    eval "note=\${note_$step-}"
    [ -z "$note" ] || echo "id $note"
    step=$((step + 1))
  done
}

# What the claim on the device number $1 says of ids and modules: what the one before said, and ours on the places that it has left,
# less what is removed, and what is added.
echo_notes() {
  eval "key=\$key_$1 left=\$left_by_$1"
  added_ids='' added_modules='' added='' step=1
  for entry in "$key" $left; do
    read_claim "$entry"
    [ "$entry" = "$key" ] || [ "$claimed_by" = "$claimant" ] || continue
    added_ids=$added_ids$claimed_ids added_modules=$added_modules${claimed_modules:+${added_modules:+,}$claimed_modules}
  done
  while [ "$step" -le "$steps" ]; do
    eval "word=\$word_$step value=\$value_$step owner=\$owner_$step note=\${note_$step-}"
    if [ "$((owner + 1))" -eq "$1" ]; then
      case $word in
      new-id | remove-id) note_id ;;
      module) added=$loading ;;
      esac
    fi
    step=$((step + 1))
  done
  for line in $added_ids; do
    echo "id $line"
  done
  [ -z "$added" ] || added_modules=$added_modules${added_modules:+,}$added
  [ -z "$added_modules" ] || echo "modules $added_modules"
}

# Takes the ids of the driver $value out of $added_ids, and puts in the one that the $note of a new one says.
note_id() {
  before=$added_ids added_ids=''
  encode "$value"
  for line in $before; do
    case $line in
    *,"$encoded",*) ;;
    *) added_ids="$added_ids $line" ;;
    esac
  done
  [ "$word" = new-id ] && [ -n "$note" ] || return 0
  text=${note#*,*,*,}
  added_ids="$added_ids ${note%",$text"}"
}

# path, text: of the step $number_of_step, which adds or removes an id. No path where nothing is to be written.
resolve_id() {
  eval "note=\$note_$number_of_step"
  path='' text=''
  [ -n "$note" ] || return 0
  note=${note#*,}
  note=${note#*,}
  decode "${note%%,*}"
  text=$decoded path=$sys/bus/$bus/drivers/$value/new_id
  [ "$word" = remove-id ] || return 0
  read_removal "$text"
  text=$id path=$sys/bus/$bus/drivers/$value/remove_id
  [ -e "$path" ] || path='' # the driver has gone, and its ids with it
}

# Takes back the $added_ids that a transaction added, and lets go of what they claimed besides; brings back those that it removed.
undo_ids() {
  for entry in $added_ids; do
    saved=$IFS IFS=,
    # shellcheck disable=SC2086 # split at the commas
    set -- $entry
    IFS=$saved
    decode "$1" && bus=$decoded
    decode "$2" && back=$2 folder=$sys/bus/$bus/drivers/$decoded
    decode "$3" && id=$decoded
    if [ "$4" = there ]; then
      lists_id "$folder" "$id" || put "$id" "$folder/new_id"
    elif ! claims_name_id "$1,$2,$3"; then
      read_removal "$id"
      put "$id" "$folder/remove_id"
      shift 4
      for twin in "$@"; do
        decode "$twin" && name=$decoded device=$sys/bus/$bus/devices/$decoded
        read_driver
        [ "$driver" != "$back" ] || put "$name" "$folder/unbind"
      done
    fi
  done
}

# installed: the folder of the running kernel's modules.
find_installed() {
  value_of "$root/proc/sys/kernel/osrelease"
  installed=$root/lib/modules/$value
}

# lack: why no module can be loaded at all: kernel, disabled (until the next boot), release (none for the running kernel).
find_lack() {
  value_of "$root/proc/sys/kernel/modules_disabled"
  if [ ! -e "$root/proc/modules" ]; then
    lack=kernel
  elif [ "$value" = 1 ]; then
    lack=disabled
  elif [ ! -d "$installed" ]; then
    lack=release
  fi
}

# Adds to $loading what modprobe would load for the module $value, and is not loaded.
add_loading() {
  for text in $(modprobe -D -- "$value" 2>/dev/null | sed -n 's|^insmod [^ ]*/\([^/ ]*\)\.ko.*|\1|p') "$value"; do
    with_underscores "$text"
    case $with_underscores in '' | *[!A-Za-z0-9_]*) continue ;; esac
    [ ! -d "$sys/module/$with_underscores" ] || continue
    case ,$loading, in
    *",$with_underscores,"*) ;;
    *) loading=$loading${loading:+,}$with_underscores ;;
    esac
  done
}

# Loads the module $value with its parameters, which must be there then. log: the kernel's last line, where it is a new one.
load_module() {
  eval "of_device=\$((owner_$number_of_step + 1))"
  parameter=1
  set -- "$value"
  while [ "$parameter" -le "$parameters" ]; do
    eval "text=\$parameter_name_$parameter=\$parameter_value_$parameter"
    ! is_parameter_here || set -- "$@" "$text"
    parameter=$((parameter + 1))
  done
  last_line=$(dmesg 2>/dev/null | tail -n 1)
  if ! text=$(modprobe -- "$@" 2>&1); then
    encode "$(dmesg 2>/dev/null | tail -n 1 | tail -c 200)"
    log=$encoded
    encode "$(printf '%s' "$last_line" | tail -c 200)"
    [ "$log" != "$encoded" ] || log=''
    failed module "$text"
    return 1
  fi
  parameter=1
  while [ "$parameter" -le "$parameters" ]; do
    ! is_parameter_here || has_parameter || failed parameter "$owning.$name is $told${value:+ ($value)}" || return 1
    parameter=$((parameter + 1))
  done
}

# Whether the parameter number $parameter is of the device number $of_device and of the module that step $number_of_step loads.
is_parameter_here() {
  eval "[ \"\$parameter_device_$parameter\" = $of_device ]" || return 1
  eval "with_underscores \"\$value_$number_of_step\""
  text_of_step=$with_underscores
  find_owning
  [ "$owning" = "$text_of_step" ]
}

# owning: the module whose parameter number $parameter is, with "_"; empty where that is not known.
find_owning() {
  eval "owning=\$parameter_module_$parameter of_device=\$parameter_device_$parameter"
  if [ -z "$owning" ]; then
    eval "bus=\$bus_$of_device wanted=\$wanted_$of_device module=\$module_$of_device"
    decode "$wanted"
    folder=$sys/bus/$bus/drivers/$decoded
    decode "$module"
    [ ! -d "$folder" ] || decoded=$(readlink "$folder/module")
    owning=${decoded##*/}
  fi
  with_underscores "$owning"
  owning=$with_underscores
}

# Whether the parameter number $parameter is as it is wished. told: right; wrong, or fixed where it is the kernel's own; hidden where
# its module shows no such parameter; none where the module, which is not loaded, has none; unloaded. value: what it is.
has_parameter() {
  find_owning
  eval "name=\$parameter_name_$parameter wish=\$parameter_value_$parameter"
  folder=$sys/module/$owning value='' told=none
  [ -n "$owning" ] || return 1
  if [ -f "$folder/parameters/$name" ]; then
    value_of "$folder/parameters/$name"
    told=right
    is_same_value && return 0
    told=wrong
    [ -e "$folder/initstate" ] || told=fixed
  elif [ -d "$folder" ]; then
    told=hidden
  else
    told=unloaded
    knows_parameter || told=none
  fi
  return 1
}

# Whether $value as the kernel prints it is the $wish. Of a list the kernel may print more than was given, of a choice all with the
# chosen one in brackets.
is_same_value() {
  case $value in
  "$wish" | *"[$wish]"*) return 0 ;;
  esac
  is_left="$value," wish_left="$wish,"
  while [ -n "$wish_left" ]; do
    is_same_word "${is_left%%,*}" "${wish_left%%,*}" || return 1
    is_left=${is_left#*,} wish_left=${wish_left#*,}
  done
}

# Whether the kernel means $2 when it prints $1: Y, y and 1 are one (by the first letter, as it reads them), and so are 0x10 and 16.
is_same_word() {
  [ "$1" != "$2" ] || return 0
  case $1:$2 in
  Y:[1yYtT]* | Y:[oO][nN]* | N:[0nNfF]* | N:[oO][fF]*) return 0 ;;
  esac
  number_of "$1" && of_value=$number_of && number_of "$2" && [ "$of_value" = "$number_of" ]
}

# number_of: the number that the word $1 is, in decimal; fails where it is none.
number_of() {
  number_of=$1
  case $1 in
  0[xX]*[!0-9A-Fa-f]* | 0[xX] | '' | ????????????*) return 1 ;;
  0[xX]*) number_of=$(($1)) ;;
  *[!0-9]*) return 1 ;;
  esac
}

# Whether the module $owning, which is not loaded, may have the parameter $name: no only where the board's modinfo says so.
knows_parameter() {
  text=$(modinfo -F parm -- "$owning" 2>/dev/null) || return 0
  [ -n "$text" ] || [ -n "$(modinfo -F license -- "$owning" 2>/dev/null)" ] || return 0
  printf '%s\n' "$text" | sed 's/^parm: *//' | grep -q "^$name:"
}

look_at_parameters() {
  parameter=1 list=''
  while [ "$parameter" -le "$parameters" ]; do
    eval "of_device=\$parameter_device_$parameter"
    if [ "$of_device" = "$index" ]; then
      has_parameter
      encode "$owning" && text=$encoded
      encode "$name" && text="$text;$encoded;$told"
      encode "$value"
      list="$list${list:+,}$text;$encoded"
    fi
    parameter=$((parameter + 1))
  done
  device_number "$index"
  eval "wanted=\$wanted_$index module=\$module_$index"
  answer="$answer parameters=${list:--}"
}

# Unloads of the modules $1 (with commas, in the order of their loading) those that nobody uses, the last one first: the kernel
# refuses it where another module or an open file does; one whose driver has a device would take that device's driver away.
unload() {
  saved=$IFS IFS=,
  # shellcheck disable=SC2086 # split at the commas
  set -- $1
  IFS=$saved
  unused=''
  for entry in "$@"; do
    case " $unused" in
    *" $entry "*) continue ;;
    esac
    [ ! -e "$sys/module/${entry:-none}/initstate" ] || drives_device "$sys/module/$entry" || unused="$entry $unused"
  done
  # shellcheck disable=SC2086,SC2016 # split at the spaces; one by one, since some rmmods end at the first that is refused
  [ -z "$unused" ] || run_after sh -c 'for module; do rmmod "$module"; done' sh $unused
  return 0
}

# Whether a driver of the module at $1 has a device.
drives_device() {
  for link in "$1"/drivers/*/*; do
    [ ! -L "$link" ] || [ "${link##*/}" = module ] || return 0
  done
  return 1
}

# What vfio asks of board and device. iommu: whether the board has one at all; noiommu: whether vfio goes without (Y, N, absent, "-"
# where it is not loaded); reset: whether the board has a reset function for a device of the device tree (yes, no, "-" where that is
# not known); resets: whether the driver wants one (Y, N, "-" where it is not loaded).
look_at_vfio() {
  iommu=no noiommu=- reset=- resets=-
  case $wanted in
  *vfio*)
    for entry in "$sys"/class/iommu/*; do
      [ ! -e "$entry" ] || iommu=yes
    done
    [ ! -d "$sys/module/vfio" ] || noiommu=absent
    value_of "$sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
    noiommu=${value:-$noiommu}
    decode "$wanted"
    value_of "$sys/bus/$bus/drivers/$decoded/module/parameters/reset_required"
    resets=${value:--}
    [ -z "$value" ] && [ -d "$sys/bus/$bus/drivers/$decoded" ] || find_reset
    ;;
  esac
  answer="$answer iommu=$iommu noiommu=$noiommu reset=$reset resets=$resets"
}

# A reset function is found by the device's first compatible, in a module of its own or in the kernel itself.
find_reset() {
  find_installed
  [ -r "$device/of_node/compatible" ] && [ -r "$installed/modules.alias" ] && [ -r "$installed/modules.builtin" ] || return
  text=$(tr '\0' '\n' <"$device/of_node/compatible" | head -n 1)
  ! grep -q 'vfio/platform/reset/' "$installed/modules.builtin" || return
  reset=$(yes_if grep -qF "alias vfio-reset:$text " "$installed/modules.alias")
}

# --- kept over a reboot: what /etc/devbind tells at-boot.sh ----------------------------------------------------------------------

# Files of /etc/devbind: persist.<bus>,<device>; at-boot.sh and devbind.service, which links of systemd's folder lead to: they come
# with the first of these and go with the last. While a transaction runs: new.<n>.<writer>; undecided.<id>, from before the first
# change until it is done: whoever finds it without a journal (the next transaction, or at-boot.sh after a power cut) undoes the
# change; replaced.<id>.<bus>,<device>: the file that was there before.

# Files persist, format 1, frozen:  devbind-persist 1 / device <bus>,<name> / claimant, driver, override and transaction as in claims /
#   wish <driver>,<override> / modalias <modalias> / (where there are some) module <name>,<parameter=value>... ... /
#   interface <bus>,<name>,<network interface> / id ... / modules ..., as in claims / end <number of lines before>

# Takes an item `persist` apart. A look is asked about the device by it; an apply is told to take or drop its file, and whose it was.
read_persist_item() {
  check_device "$2"
  keeping=yes
  [ "$#" -eq 4 ] || set -- "$1" "$2" asked -
  case $3 in take | drop | asked) ;; *) exit 64 ;; esac
  eval "keep_$(($2 + 1))=\$3 seen_kept_$(($2 + 1))=\$4"
}

# Says whether a file of /etc lasts over a reboot, and whether what reads it at boot is there: unit is right, wrong, or foreign
# where something of that name is not ours.
look_at_keeping() {
  find_lasting
  unit=wrong
  is_ours_or_free "$units/devbind.service" || unit=foreign
  if has_own at-boot.sh && has_own devbind.service && [ -L "$units/devbind.service" ] && [ -L "$wants/devbind.service" ]; then
    [ "$unit" = foreign ] || unit=right
  fi
  answer="$answer lasts=$lasts unit=$unit"
}

# lasts: yes, or why nothing can be kept: systemd (does not run), readonly, memory, unknown (an overlay whose upper folder is out of
# sight). units, wants: systemd's folders for units, and for those that sysinit.target wants.
find_lasting() {
  units=$root/etc/systemd/system wants=$root/etc/systemd/system/sysinit.target.wants lasts=yes
  mount_of /etc
  case $mounted_as:,$mounted_with, in
  *:*,ro,*) lasts='readonly' ;;
  tmpfs:* | ramfs:* | rootfs:*) lasts=memory ;;
  overlay:*,upperdir=*)
    upper=${mounted_with#*upperdir=}
    upper=${upper%%,*}
    mount_of "$upper"
    case $mounted_as in
    tmpfs | ramfs | rootfs) lasts=memory ;;
    overlay | '') lasts=unknown ;;
    esac
    [ -d "$root$upper" ] || lasts=unknown
    ;;
  overlay:* | :*) lasts=unknown ;;
  esac
  [ -d "$root/run/systemd/system" ] && [ -d "$units" ] || lasts=systemd
}

# Whether our own text of the file $1 lies in its place.
has_own() {
  own_text "$1"
  [ -r "$kept/$1" ] && [ "$(cat "$kept/$1" 2>/dev/null)" = "$text" ]
}

# Whether the path $1 is free, or a link to our unit.
is_ours_or_free() {
  [ ! -e "$1" ] && [ ! -L "$1" ] || [ "$(readlink "$1")" = /etc/devbind/devbind.service ]
}

# Says what is kept for the device number $index: no file, one that is broken, whole, or right: as it would be written today, as far
# as the board knows. And, where that was asked, which files of others give the device a driver too.
look_at_kept() {
  read_kept "$key"
  eval "asks=\$keep_$index"
  list=''
  if [ -n "$asks" ]; then
    [ "$kept_state" != whole ] || ! is_kept_right || kept_state=right
    find_co_owners
  fi
  answer="$answer kept=$kept_state keptBy=$kept_by keptDriver=$kept_driver keptOverride=$kept_override coOwners=${list:--}"
}

# kept_state: "-" without a file for the key $1, broken or whole; kept_by, kept_driver, kept_override: whose it is, what it wishes.
read_kept() {
  kept_state=- kept_by=- kept_driver=- kept_override=- told=0
  [ -e "$kept/persist.$1" ] || return 0
  kept_state=broken
  [ -r "$kept/persist.$1" ] || return 0
  while read -r word rest; do
    kept_state=broken
    case $told:$word in
    0:devbind-persist) [ "$rest" = 1 ] || return 0 ;;
    0:*) return 0 ;;
    *:claimant) kept_by=$rest ;;
    *:wish) kept_driver=${rest%%,*} kept_override=${rest#*,} ;;
    *:end) [ "$rest" != "$told" ] || kept_state=whole ;;
    esac
    told=$((told + 1))
  done <"$kept/persist.$1"
}

# Whether the file of the device number $index tells of the device, its modules and ids what there is to tell now.
is_kept_right() {
  text=$(sed -n -e '/^modalias /p' -e '/^module /p' -e '/^interface /p' -e '/^id /p' "$kept/persist.$key")
  for way in real asked; do
    [ "$text" != "$(echo_surroundings "$index" "$way" && echo_claimed_ids)" ] || return 0
  done
  return 1
}

echo_claimed_ids() {
  for line in $claimed_ids; do
    echo "id $line"
  done
}

# list: the files of others that give $device a driver too: driverctl's, and udev's rules that name both it and its override.
find_co_owners() {
  add_co_owner "/etc/driverctl.d/$bus-$name"
  set -- "$root"/etc/udev/rules.d/*.rules "$root"/run/udev/rules.d/*.rules "$root"/usr/lib/udev/rules.d/*.rules
  [ -L "$root/lib" ] || set -- "$@" "$root"/lib/udev/rules.d/*.rules
  saved=$IFS IFS=$newline
  set -f
  for file in $(grep -lF driver_override "$@" 2>/dev/null); do
    ! grep -qwF -e "$name" "$file" || add_co_owner "${file#"$root"}"
  done
  set +f
  IFS=$saved
}

add_co_owner() {
  [ -e "$root$1" ] || return 0
  encode "$1"
  list=$list${list:+,}$encoded
}

# Prints what a file persist tells of the device number $1 as it is here: its identity, the modules to load for it, the network
# interface that chose it. $2: the module of its driver as it is loaded (real), or as it was asked for.
echo_surroundings() {
  device_number "$1"
  value_of "$device/modalias"
  encode "$value"
  echo "modalias $encoded"
  echo_modules "$1" "$2"
  [ "$selector" = networkInterface ] || return 0
  encode "$selected"
  echo "interface $key,$encoded"
}

# Prints a line for each module that must be there for the device number $1, with the parameters that are asked for; its driver's last.
echo_modules() {
  eval "wanted=\$wanted_$1 module=\$module_$1"
  [ "$wanted" != - ] || return 0
  decode "$wanted"
  folder=$sys/bus/$bus/drivers/$decoded
  decode "$module"
  [ "$2" = asked ] || [ "$module" = - ] || [ ! -d "$folder" ] || decoded=$(readlink "$folder/module")
  with_underscores "${decoded##*/}"
  own=$with_underscores seen_modules=" $own " parameter=1
  while [ "$parameter" -le "$parameters" ]; do
    eval "of_device=\$parameter_device_$parameter of_module=\$parameter_module_$parameter"
    with_underscores "$of_module"
    case $of_device:$seen_modules in
    "$1":*" $with_underscores "*) ;;
    "$1":*) [ -z "$of_module" ] || echo_module "$1" "$with_underscores" ;;
    esac
    parameter=$((parameter + 1))
  done
  [ -z "$own" ] || echo_module "$1" "$own"
}

# Prints the line of the module $2 with those parameters of the device number $1 that are its own.
echo_module() {
  seen_modules="$seen_modules$2 " one=1
  encode "$2"
  line="module $encoded"
  while [ "$one" -le "$parameters" ]; do
    eval "of_device=\$parameter_device_$one of_module=\$parameter_module_$one text=\$parameter_name_$one=\$parameter_value_$one"
    with_underscores "${of_module:-$own}"
    if [ "$of_device" = "$1" ] && [ "$with_underscores" = "$2" ]; then
      encode "$text"
      line=$line,$encoded
    fi
    one=$((one + 1))
  done
  echo "$line"
}

# Whether the file of the device number $number is still whose it was when the plan was made.
is_kept_as_seen() {
  eval "keep=\$keep_$number seen_kept=\$seen_kept_$number"
  case $keep in take | drop) ;; *) return 0 ;; esac
  read_kept "$key"
  [ "$kept_by" = "$seen_kept" ]
}

# Writes all that will be kept to files of its own, and what reads it at boot to its place, while nothing is changed yet.
prepare_kept() {
  find_kept_left
  [ -n "$keeping" ] || return 0
  refusal='is=refused problem=persist'
  [ -d "$kept" ] || mkdir "$kept" 2>/dev/null || return 1
  echo "devbind-undecided 1" 2>/dev/null >"$kept/undecided.$transaction" || return 1
  number=1
  while [ "$number" -le "$devices" ]; do
    eval "keep=\$keep_$number"
    [ "$keep" != take ] || { make_unit && write_kept; } || return 1
    number=$((number + 1))
  done
  run_after sync
  refusal='is=refused problem=state'
}

# What was kept for a place that our device has left goes too.
find_kept_left() {
  for key in $lefts; do
    [ ! -e "$kept/persist.$key" ] || keeping=yes
  done
}

# Puts the unit, its program and the links to it into their places. What has the unit's name and is not ours is left alone.
make_unit() {
  find_lasting
  [ "$lasts" = yes ] && is_ours_or_free "$units/devbind.service" || return 1
  for file in at-boot.sh devbind.service; do
    has_own "$file" || put_own "$file" || return 1
  done
  [ -d "$wants" ] || (umask 022 && mkdir "$wants" 2>/dev/null) || return 1
  for link in "$units/devbind.service" "$wants/devbind.service"; do
    [ -L "$link" ] || ln -s /etc/devbind/devbind.service "$link" 2>/dev/null || return 1
  done
}

put_own() {
  own_text "$1"
  printf '%s\n' "$text" 2>/dev/null >"$kept/new.0.$me" && [ "$(cat "$kept/new.0.$me")" = "$text" ] && mv "$kept/new.0.$me" "$kept/$1"
}

# Writes the file of the device number $number under a name of its own.
write_kept() {
  text=$(echo_kept "$number")
  saved=$IFS IFS=$newline
  set -f
  # shellcheck disable=SC2086 # split at the newlines
  set -- $text
  set +f
  IFS=$saved
  text="$text${newline}end $#"
  printf '%s\n' "$text" 2>/dev/null >"$kept/new.$number.$me" && [ "$(cat "$kept/new.$number.$me")" = "$text" ]
}

echo_kept() {
  device_number "$1"
  eval "past_driver=\$past_driver_$1 past_override=\$past_override_$1 wish_driver=\$wish_driver_$1 wish_override=\$wish_override_$1"
  echo "devbind-persist 1"
  echo "# Kept over reboots by pulumi-devbind: at-boot.sh beside it reads it. It goes with its binding."
  echo "device $key"
  echo "claimant $claimant"
  echo "driver $past_driver"
  echo "override $past_override"
  echo "transaction $transaction"
  echo "wish $wish_driver,$wish_override"
  echo_surroundings "$1" real
  echo_notes "$1"
}

# Puts what was prepared into its place, by names that change at once, and takes away what is no longer to be kept.
settle_kept() {
  [ -n "$keeping" ] || return 0
  number=1 number_of_step=$steps
  while [ "$number" -le "$devices" ]; do
    eval "key=\$key_$number keep=\$keep_$number"
    old=$kept/replaced.$transaction.$key
    case $keep in
    take)
      [ ! -e "$kept/persist.$key" ] || ln "$kept/persist.$key" "$old" 2>/dev/null || failed persist '' || return 1
      mv "$kept/new.$number.$me" "$kept/persist.$key" 2>/dev/null || failed persist '' || return 1
      ;;
    drop) [ ! -e "$kept/persist.$key" ] || mv "$kept/persist.$key" "$old" 2>/dev/null || failed persist '' || return 1 ;;
    esac
    number=$((number + 1))
  done
  for key in $lefts; do
    read_kept "$key"
    [ "$kept_by" != "$claimant" ] || mv "$kept/persist.$key" "$kept/replaced.$transaction.$key" 2>/dev/null || failed persist '' || return 1
  done
}

# Brings back what the transaction $1 replaced or dropped, and takes away what it put there.
undo_kept() {
  [ -e "$kept/undecided.$1" ] || return 0
  for old in "$kept/replaced.$1".*; do
    [ ! -e "$old" ] || mv "$old" "$kept/persist.${old##*"/replaced.$1."}"
  done
  for old in "$kept"/persist.*; do
    [ -r "$old" ] && grep -qxF "transaction $1" "$old" && rm -f "$old"
  done
  rm -f "$kept/replaced.$1".* "$kept/undecided.$1"
}

# A transaction without a journal is done from here on, also if its writer is killed before it has said so.
mark_done() {
  [ -n "$keeping" ] || return 0
  echo "writer $me" 2>/dev/null >"$state/new.0.$me" && mv "$state/new.0.$me" "$state/done.$transaction" 2>/dev/null || failed persist ''
}

# From here on the transaction $1 is done also after a power cut, and only then it is told.
commit_kept() {
  [ -e "$kept/undecided.$1" ] || return 0
  rm -f "$kept/undecided.$1"
  run_after sync
  rm -f "$kept/replaced.$1".*
}

# What dead writers left there.
sweep_kept() {
  [ -d "$kept" ] || return 0
  for file in "$kept"/undecided.*; do
    ended=${file##*/undecided.}
    [ -e "$file" ] && [ ! -e "$state/journal.$ended" ] && [ ! -e "$state/stuck.$ended" ] || continue
    if [ -e "$state/done.$ended" ] || grep -q 'is=done' "$state/outcome.$ended" 2>/dev/null; then
      commit_kept "$ended"
    else
      undo_kept "$ended"
    fi
  done
  for file in "$kept"/replaced.*; do
    ended=${file##*/replaced.}
    [ -e "$kept/undecided.${ended%%.*}" ] || rm -f "$file"
  done
  rm -f "$kept"/new.*
  tidy_kept
}

# The unit goes with the last of the files for which it is there.
tidy_kept() {
  [ -d "$kept" ] || return 0
  for file in "$kept"/persist.* "$kept"/replaced.* "$kept"/undecided.*; do
    [ ! -e "$file" ] || return 0
  done
  find_lasting
  ! is_ours_or_free "$units/devbind.service" || rm -f "$wants/devbind.service" "$units/devbind.service"
  rm -f "$kept/at-boot.sh" "$kept/devbind.service"
  rmdir "$wants" "$kept" 2>/dev/null
  return 0
}

# --- the transaction -------------------------------------------------------------------------------------------------------

# A writer in the background does the work and keeps its outcome in a file; this script waits for it, no longer than asked,
# and says the outcome. A link or a script that dies takes nothing with it: the writer ends by itself.
answer_apply() {
  say_board
  if ! make_state; then
    tell is=refused problem=state
  else
    was_asked || have_written
    say_outcome
  fi
  look_at_devices
}

# Whether this transaction is under way or has ended; one that was only turned away may be tried again.
was_asked() {
  for word in "done" undone journal stuck; do
    [ -e "$state/$word.$transaction" ] && return 0
  done
  link=$(readlink "$state/asked.$transaction") && lives "$link" && return 0
  grep -qE 'is=(done|undone|stuck)' "$state/outcome.$transaction" 2>/dev/null && return 0
  rm -f "$state/asked.$transaction" "$state/outcome.$transaction" "$state/held.$transaction"
  return 1
}

have_written() {
  recovered=''
  work write_everything
  [ ! -r "$state/outcome.$transaction" ] && ! lives "$worker" || return
  [ -e "$state/journal.$transaction" ] || [ "$ended" -gt 128 ] || return
  work undo_for_dead_writer
}

# Runs the function $1 in the background, for as long as the clock allows, and lets go of it when the kernel holds it.
work() {
  late=''
  (
    exec </dev/null >/dev/null 2>&1 # not on the subshell: mksh would keep copies of what they were, and the session open
    "$1"
  ) &
  pid=$!
  identify "$pid"
  worker=$who
  start_clock apply
  wait "$pid" 2>/dev/null
  ended=$?
  stop_clock
  if [ -n "$late" ] && [ ! -r "$state/outcome.$transaction" ] && lives "$worker"; then
    if [ -e "$state/unconfirmed.$transaction" ] || [ -e "$state/confirmed.$transaction" ]; then
      afterwards=watch_writer
    else
      let_go_of_writer </dev/null >/dev/null 2>&1
    fi
  fi
}

# The answer is given, and the writer waits for a new login to confirm. If it is killed meanwhile, this script undoes.
watch_writer() {
  exec </dev/null >/dev/null 2>&1
  identify self && me=$who
  leave_session
  while lives "$worker"; do
    wait "$pid" 2>/dev/null || sleep 1
  done
  [ ! -e "$state/journal.$transaction" ] || work undo_for_dead_writer
}

# What became of the transaction that was asked for.
tell() {
  say "outcome $* of=$transaction"
}

# The best that is known: the outcome, else what the journal became, else whether the writer still lives. A writer that ended
# and left nothing had no room to.
say_outcome() {
  for told in outcome held; do
    [ -r "$state/$told.$transaction" ] || continue
    while read -r text; do
      case $text in
      *is=moved*) moved=yes ;;
      esac
      say "$text"
    done <"$state/$told.$transaction"
    return
  done
  if [ -e "$state/done.$transaction" ]; then
    tell is=done
  elif [ -e "$state/undone.$transaction" ]; then
    # Its writer is about to say why.
    read_writer "$state/undone.$transaction"
    if lives "$writer"; then tell is=running; else tell is=undone problem=killed; fi
  elif [ -e "$state/stuck.$transaction" ]; then
    tell is=stuck problem=held
  elif [ -e "$state/journal.$transaction" ]; then
    read_writer "$state/journal.$transaction"
    if ! lives "$writer"; then
      tell is=interrupted
    elif [ -e "$state/unconfirmed.$transaction" ]; then
      tell is=unconfirmed
    else
      tell is=running
    fi
  elif link=$(readlink "$state/asked.$transaction") && lives "$link"; then
    tell is=running
  elif [ "$operation" = apply ] && [ "${ended:-0}" -gt 128 ]; then
    tell is=refused problem=killed
  elif [ "$operation" = apply ]; then
    tell is=refused problem=state
  else
    tell is=unknown
  fi
}

# Asked by a client that lost its link: what became of the transaction?
answer_outcome() {
  say_board
  if [ -n "$state" ]; then say_outcome; else tell is=unknown; fi
}

# Said by a new login, which is the proof that the board can still be reached. Whoever renames the file decides.
answer_confirm() {
  if [ -n "$state" ] && [ -r "$state/journal.$transaction" ]; then
    read_writer "$state/journal.$transaction"
    if lives "$writer" && mv "$state/unconfirmed.$transaction" "$state/confirmed.$transaction" 2>/dev/null; then
      patience=5
      while [ ! -r "$state/outcome.$transaction" ] && [ "$patience" -gt 0 ]; do
        sleep 1
        patience=$((patience - 1))
      done
    fi
  fi
  answer_outcome
}

# After $timeout seconds: a look ends with the path the kernel holds; an apply wakes up from its wait, as it does when its writer
# waits to be confirmed.
start_clock() {
  script=$$ left=$timeout
  if [ "$1" = apply ]; then
    trap 'late=yes' USR1
  fi
  {
    while [ "$left" -gt 0 ]; do
      sleep 1 >/dev/null 2>&1
      kill -0 "$script" 2>/dev/null || exit 0
      left=$((left - 1))
      [ ! -e "$state/unconfirmed.$transaction" ] || break
    done
    if [ "$1" = apply ]; then
      kill -USR1 "$script"
    else
      held=$(readlink "/proc/$script/fd/0")
      encode "$held"
      printf '%s\n' "$nonce held $encoded"
    fi
  } </dev/null 2>/dev/null &
  clock=$!
}

# A clock that struck ends by itself: to wait for it would make bash 5.2, whose wait it broke off, wait for the writer instead.
stop_clock() {
  [ -z "$late" ] || return
  kill -9 "$clock" 2>/dev/null
  wait "$clock" 2>/dev/null
}

# The kernel does not come back from a write. The writer finishes the undo when it does; its journal becomes "stuck", which
# bars only its own devices, and the lock is free for the others. A writer that is held before its journal was only reading.
let_go_of_writer() {
  identify self && me=$who
  held=$(readlink "/proc/$pid/fd/1")
  case $held in
  "$sys"/*) ;;
  *) held=$(readlink "/proc/$pid/fd/0") ;;
  esac
  kill -USR1 "$pid"
  if mv "$state/journal.$transaction" "$state/stuck.$transaction" 2>/dev/null; then
    remove_link lock "$worker"
    case $held in
    "$sys"/*) ;;
    *) held='' ;;
    esac
    encode "${held##*/}" && word=$encoded
    encode "${held#"$root"}"
    path=$encoded
    find_vfio_holders
    keep held "$transaction" "is=stuck problem=held word=$word path=$path holder=${holders:--}"
    return
  fi
  patience=3
  while [ ! -e "$state/outcome.$transaction" ] && lives "$worker" && [ "$patience" -gt 0 ]; do
    sleep 1
    patience=$((patience - 1))
  done
  [ ! -e "$state/outcome.$transaction" ] && lives "$worker" || return
  remove_link lock "$worker"
  keep held "$transaction" "is=busy owner=$worker"
}

# holders: the processes that have any group or device of vfio open; not those that have only the container.
find_vfio_holders() {
  nodes='' open_files=''
  for entry in "$root"/dev/vfio/* "$root"/dev/vfio/devices/*; do
    case ${entry##*/} in
    vfio | devices | \*) ;;
    *) nodes=$nodes$newline${entry#"$root"} ;;
    esac
  done
  find_holders
}

# The writer was killed: this script undoes in its place.
undo_for_dead_writer() {
  trap 'late=yes' USR1
  trap '' INT TERM
  identify self && me=$who
  leave_session
  take_lock "$timeout" || return
  recover
  [ -e "$state/outcome.$transaction" ] || keep_outcome "$transaction" "is=undone problem=killed"
  remove_link lock "$me"
}

# Keeps the outcome $2 of the transaction $1 for whoever asks. Older ones are dropped from the 64th on.
keep_outcome() {
  keep outcome "$1" "$2${recovered:+ recovered=$recovered}" || return 1
  rm -f "$state/held.$1"
  # shellcheck disable=SC2012 # names made here
  ls -t "$state"/outcome.* 2>/dev/null | tail -n +65 | while read -r old; do
    rm -f "$old"
  done
}

# Writes the line $3 to the file $1.$2, whole or not at all.
keep() {
  echo "outcome $3 of=$2" >"$state/new.0.$me" 2>/dev/null && mv "$state/new.0.$me" "$state/$1.$2"
}

# The writer. Everything up to the journal only reads; after it, every way out is done, undone or stuck.
write_everything() {
  trap 'late=yes' USR1
  trap '' INT TERM
  identify self && me=$who
  ln -s "$me" "$state/asked.$transaction"
  if ! leave_session; then
    keep_outcome "$transaction" 'is=refused problem=session'
  elif ! take_lock "$((timeout / 2))"; then
    refusal="is=busy owner=$owner"
    [ -n "$owner" ] || refusal='is=refused problem=state'
    keep_outcome "$transaction" "$refusal"
  else
    recover
    write_if_allowed
    remove_link lock "$me"
  fi
  rm -f "$state/asked.$transaction" "$state"/new.*."$me" "$kept"/new.*."$me"
}

# So that the end of the session is not the end of the writer, where the board keeps sessions in control groups. Fails where it
# stays in the group of a unit or a session, which systemd ends with all that is in it.
leave_session() {
  for file in "$sys"/fs/cgroup/cgroup.procs "$sys"/fs/cgroup/systemd/cgroup.procs "$sys"/fs/cgroup/unified/cgroup.procs; do
    [ -w "$file" ] && echo "${me%%.*}" >"$file"
  done
  while IFS=: read -r _ controllers group; do
    case $controllers:$group in
    :*.service | :*.scope | :*.service/* | :*.scope/*) return 1 ;;
    name=systemd:*.service | name=systemd:*.scope | name=systemd:*.service/* | name=systemd:*.scope/*) return 1 ;;
    esac
  done 2>/dev/null <"$root/proc/self/cgroup"
  return 0
}

write_if_allowed() {
  refusal='is=refused problem=state'
  if ! may_write || ! prepare_extras || ! prepare_claims || ! prepare_kept; then
    undo_kept "$transaction"
    keep_outcome "$transaction" "$refusal"
  elif [ "$steps" -eq 0 ]; then
    if settle_kept && settle_claims && mark_done; then
      commit_kept "$transaction"
      refusal=is=done
    else
      undo_kept "$transaction"
    fi
    keep_outcome "$transaction" "$refusal" && { [ "$refusal" != is=done ] || let_go_of_extras; } && rm -f "$state/done.$transaction"
  elif write_journal; then
    run_transaction
  else
    undo_kept "$transaction"
    keep_outcome "$transaction" "$refusal"
  fi
  tidy_kept
}

# refusal: why nothing may be written now. What the plan was made from must still hold.
may_write() {
  number=1
  while [ "$number" -le "$devices" ]; do
    device_number "$number"
    eval "seen_driver=\$seen_driver_$number seen_override=\$seen_override_$number"
    refusal="is=moved device=$((number - 1))"
    if was_gone "$number"; then
      choose && [ -e "$sys/bus/$bus/devices/$chosen" ] && return 1
      number=$((number + 1))
      continue
    fi
    choose && [ "$chosen" = "$name" ] && [ -e "$device" ] || return 1
    journal_of "$key"
    if [ "$journal" != - ]; then
      refusal="is=refused problem=journal device=$((number - 1))"
      return 1
    fi
    read_driver
    read_override
    [ "$driver" = "$seen_driver" ] && [ "$override" = "$seen_override" ] || return 1
    read_claim "$key"
    if [ "$claimed_by" != - ] && [ "$claimed_by" != "$claimant" ] && [ "$force" = no ]; then
      return 1
    fi
    has_same_id && is_kept_as_seen && has_same_siblings || return 1
    number=$((number + 1))
  done
  refusal="is=busy owner=$me"
  [ -z "$late" ] && lock_owner && [ "$owner" = "$me" ] || return 1
  refusal='is=refused problem=state'
}

# Modules first, since they make the files that the steps write to; then the files are all there, or nothing else is written.
# Done is who renames the journal: the waiting script, when its patience ends, does so too.
run_transaction() {
  if load_modules && resolve_steps && perform && arrived && done_after && confirmed && settle_kept && settle_claims; then
    if mv "$state/journal.$transaction" "$state/done.$transaction" 2>/dev/null; then
      commit_kept "$transaction"
      keep_outcome "$transaction" is=done &&
        let_go_of_extras &&
        rm -f "$state/done.$transaction" "$state/confirmed.$transaction" "$state"/replaced."$transaction".*
      return
    fi
    number_of_step=$steps
    failed late ''
  fi
  failure="problem=$problem step=$number_of_step word=$word device=${owner_of_step:--} kernel=$kernel"
  undo_claims "$transaction"
  undo_kept "$transaction"
  undo_journal "$transaction"
  undone=$?
  failure="$failure${log:+ log=$log}${after_failed:+ after=$after_failed}"
  rm -f "$state/confirmed.$transaction"
  if [ "$undone" -eq 0 ]; then
    mv "$state/journal.$transaction" "$state/undone.$transaction" 2>/dev/null || mv "$state/stuck.$transaction" "$state/undone.$transaction"
    keep_outcome "$transaction" "is=undone $failure" && rm -f "$state/undone.$transaction"
  else
    mv "$state/journal.$transaction" "$state/stuck.$transaction" 2>/dev/null
    keep_outcome "$transaction" "is=stuck $failure left=$first_left undoing=$first_word"
  fi
}

# Runs the command of the request, if there is one: a card that was rebound has neither address nor route.
done_after() {
  [ "$afters" -gt 0 ] || return 0
  number=1
  set --
  while [ "$number" -le "$afters" ]; do
    eval "set -- \"\$@\" \"\$after_$number\""
    number=$((number + 1))
  done
  run_after "$@" || failed after "$text"
}

# Runs a command as a login would, for a third of the time that is given. text: how it ended, and the last line that it printed.
run_after() {
  (
    trap - HUP PIPE INT TERM USR1
    umask 022
    exec "$@"
  ) </dev/null >"$state/new.after.$me" 2>&1 &
  after=$! patience=$((timeout / 3 + 2))
  pause
  while identify "$after" && [ "$patience" -gt 0 ]; do
    sleep 1
    patience=$((patience - 1))
  done
  if identify "$after"; then
    kill -9 "$after"
    text='it did not end'
    return 1
  fi
  wait "$after"
  ended=$?
  text=$(tail -n 1 "$state/new.after.$me" | tail -c 200)
  text="exit code $ended${text:+, \"$text\"}"
  rm -f "$state/new.after.$me"
  return "$ended"
}

# A short wait; some boards' sleep knows whole seconds only.
pause() {
  sleep 0.2 2>/dev/null || sleep 1
}

# Where the request says so, the change lasts only if a new login confirms it in time: whoever renames the file decides.
confirmed() {
  [ "$confirm" != - ] || return 0
  [ -z "$late" ] || failed late '' || return 1
  if ! echo waiting >"$state/unconfirmed.$transaction"; then
    failed state ''
    return 1
  fi
  patience=$confirm
  while [ -e "$state/unconfirmed.$transaction" ] && [ -z "$late" ] && [ "$patience" -gt 0 ]; do
    sleep 1
    patience=$((patience - 1))
  done
  if mv "$state/unconfirmed.$transaction" "$state/new.late.$me" 2>/dev/null; then
    failed unconfirmed ''
    return 1
  fi
}

# kernel: the encoded text of what a command printed; problem, word and number_of_step name what failed.
failed() {
  problem=$1
  encode "$(printf '%s' "$2" | tail -c 200)"
  kernel=$encoded
  eval "owner_of_step=\$owner_$number_of_step word=\$word_$number_of_step"
  return 1
}

load_modules() {
  number_of_step=1
  while [ "$number_of_step" -le "$steps" ]; do
    eval "word=\$word_$number_of_step value=\$value_$number_of_step"
    if [ "$word" = module ]; then
      load_module || return 1
      [ -z "$late" ] || failed late '' || return 1
    fi
    number_of_step=$((number_of_step + 1))
  done
}

# path_N: the file that step N writes to, tested here, because afterwards nothing may be forked or looked up.
resolve_steps() {
  number_of_step=1
  while [ "$number_of_step" -le "$steps" ]; do
    eval "owner=\$owner_$number_of_step word=\$word_$number_of_step value=\$value_$number_of_step"
    device_number "$((owner + 1))"
    case $word in
    module) path='' text='' ;;
    new-id | remove-id) resolve_id ;;
    override) path=$device/driver_override text=$value ;;
    probe) path=$sys/bus/$bus/drivers_probe text=$name ;;
    *) path=$sys/bus/$bus/drivers/$value/$word text=$name ;;
    esac
    eval "path_$number_of_step=\$path text_$number_of_step=\$text"
    if [ -n "$path" ] && [ ! -e "$path" ]; then
      failed missing "${path#"$root"}"
      return 1
    fi
    number_of_step=$((number_of_step + 1))
  done
}

# The writes themselves, by the shell's own echo: nothing here forks unless a write is refused.
perform() {
  number_of_step=0 deferred='' deferral=$((timeout / 3))
  while [ "$number_of_step" -lt "$steps" ]; do
    next_chain
    if eval "$chain"; then
      number_of_step=$last_of_chain
    else
      eval "path=\$path_$number_of_step text=\$text_$number_of_step"
      [ -z "$late" ] || failed late '' || return 1
      really_refused || return 1
    fi
    [ "$number_of_step" -lt "$last_of_chain" ] || bind_deferred || return 1
  done
}

# chain: the writes after step $number_of_step as one command, which the shell reads as a whole before it begins: between an unbind
# and its bind it does nothing else. It ends before an override that follows a bind, since that bind may be deferred.
next_chain() {
  chain=: last_of_chain=$number_of_step has_bind=''
  while [ "$last_of_chain" -lt "$steps" ]; do
    step=$((last_of_chain + 1))
    eval "path=\$path_$step text=\$text_$step word=\$word_$step"
    case $word in
    override) [ -z "$has_bind" ] || return 0 ;;
    bind | probe) has_bind=yes ;;
    esac
    last_of_chain=$step
    [ -n "$path" ] || continue
    case $text in
    -* | *\\*) write="put \"\$text_$step\" \"\$path_$step\"" ;;
    *) write="echo \"\$text_$step\" >\"\$path_$step\"" ;;
    esac
    chain="$chain && number_of_step=$step && [ -z \"\$late\" ] && $write"
  done
}

# Binds again what was deferred: its probe waits for another device, and after a refused bind the kernel does not try again. Each
# second, for a third of the time that is given.
bind_deferred() {
  next_step=$number_of_step
  while [ -n "$deferred" ]; do
    number_of_step=${deferred##* }
    [ "$deferral" -gt 0 ] && [ -z "$late" ] || failed write "$refused_text" || return 1
    sleep 1
    deferral=$((deferral - 1))
    waiting=$deferred deferred=''
    for number_of_step in $waiting; do
      eval "path=\$path_$number_of_step text=\$text_$number_of_step"
      put "$text" "$path" || really_refused || return 1
    done
  done
  number_of_step=$next_step
}

# Writes the line $1 to the file $2 at once. echo is builtin everywhere and printf is not, but some echoes read "-n" and "\".
put() {
  case $1 in
  -* | *\\*) printf '%s\n' "$1" >"$2" ;;
  *) echo "$1" >"$2" ;;
  esac
}

# A refused write once more through /bin/echo, which names the kernel's error in every shell. Not refused if what the step was
# for is true by now: the module bound the device itself, or the device is unbound already.
really_refused() {
  case $text in
  -* | *\\*) refused_text=$({ put "$text" "$path"; } 2>&1) && return 0 ;;
  *) refused_text=$({ /bin/echo "$text" >"$path"; } 2>&1) && return 0 ;;
  esac
  [ -x /bin/echo ] || refused_text=$({ put "$text" "$path"; } 2>&1)
  eval "owner=\$owner_$number_of_step word=\$word_$number_of_step value=\$value_$number_of_step"
  device_number "$((owner + 1))"
  read_driver
  encode "$value"
  case $word in
  bind) [ "$driver" = "$encoded" ] && return 0 ;;
  unbind) [ "$driver" = - ] && [ -e "$device" ] && return 0 ;;
  esac
  case $word:$refused_text in
  new-id:*'File exists'* | remove-id:*'No such device'*) return 0 ;;
  esac
  case $word:$refused_text in
  bind:*'temporarily unavailable'*)
    deferred="$deferred $number_of_step"
    return 0
    ;;
  esac
  failed write "$refused_text"
}

# Reads every device back, and once more: a driver may let go of a device right after its probe.
arrived() {
  reads_back || return 1
  eval "[ \"\${word_$steps-}\" != unbind ]" || return 0
  pause
  reads_back
}

# Only the driver's link and the override say what is true. A probe may still be under way.
reads_back() {
  number=1 number_of_step=$steps
  while [ "$number" -le "$devices" ]; do
    if was_gone "$number"; then
      number=$((number + 1))
      continue
    fi
    eval "wish_driver=\$wish_driver_$number wish_override=\$wish_override_$number"
    device_number "$number"
    patience=3
    while read_driver && [ "$wish_driver" != -any ] && [ "$driver" != "$wish_driver" ] && [ "$patience" -gt 0 ]; do
      sleep 1
      patience=$((patience - 1))
    done
    read_override
    if [ ! -e "$device" ]; then
      failed vanished ''
    elif [ "$wish_driver" != -any ] && [ "$driver" = - ] && [ "$wish_driver" != - ]; then
      failed left ''
    elif [ "$wish_driver" != -any ] && [ "$driver" != "$wish_driver" ]; then
      decode "$driver"
      failed readback "$decoded"
    elif [ "$wish_override" != -any ] && [ "$override" != "$wish_override" ]; then
      decode "$override"
      failed readback "$decoded"
    else
      number=$((number + 1))
      continue
    fi
    owner_of_step=$((number - 1))
    return 1
  done
}

# Brings $device to the driver $1 and the override $2 (both encoded), whatever it is at now. left_over and undo_word: the device
# that did not come back and the write that was refused. Override first, so that no other driver takes the device in between;
# an override that the driver does not match is written after it is bound.
converge() {
  encode "$bus,$name"
  left_over=$encoded undo_word=gone
  [ -e "$device" ] || return 1
  read_driver
  read_override
  while_binding=$2
  [ "$1" != - ] && [ "$2" != - ] && while_binding=$1
  [ "$driver" = "$1" ] || set_override "$while_binding" || return 1
  undo_word=unbind
  if [ "$driver" != "$1" ] && [ "$driver" != - ]; then
    decode "$driver"
    put "$name" "$sys/bus/$bus/drivers/$decoded/unbind" || { read_driver && [ "$driver" = - ]; } || return 1
    driver=-
  fi
  if [ "$driver" != "$1" ] && ! bind_back "$1"; then
    set_override "$2"
    undo_word=bind
    return 1
  fi
  set_override "$2"
}

# Binds $device to the driver $1 (encoded). One that does not match by itself was bound by an override that was taken away since.
bind_back() {
  decode "$1"
  back=$decoded
  for try in as-it-is by-name; do
    [ "$try" = as-it-is ] || { [ "$override" != -unsupported ] && [ "$override" != "$1" ] && set_override "$1"; } || return 1
    put "$name" "$sys/bus/$bus/drivers/$back/bind"
    read_driver
    [ "$driver" != "$1" ] || return 0
  done
  return 1
}

# Writes the override $1 (encoded) to $device unless it is there already; an empty line clears.
set_override() {
  undo_word=override
  [ "$override" = "$1" ] && return 0
  [ "$override" = -unsupported ] && return 0
  decode "$1"
  put "$decoded" "$device/driver_override" || return 1
  override=$1
}

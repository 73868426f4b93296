import { encode } from "../../provider/board/protocol";

/** A shell on the board that is not ours to test: the system's ssh. */
export type BoardShell = (command: string) => Promise<string>;

/** A device of the story. */
export interface Place {
  bus: string;
  device: string;
}

/** What is to be seen of a device by nobody's word but the kernel's. */
export interface Sight {
  driver: string | null;
  /** null for none, and where the bus has none. */
  override: string | null;
  hasOverride: boolean;
  group: string | null;
  /** The group's file for a VM. */
  hasGroupFile: boolean;
  /** Every bind and unbind on the board counts it up. */
  uevents: number;
  /** The inode of the link to the driver: a new one after each bind. */
  link: string;
  /** Files of pulumi-devbind that name the device. */
  claims: number;
}

/** Names are kernel names: they hold no quote. */
const script = ({ bus, device }: Place) => `d='/sys/bus/${bus}/devices/${device}'
[ -e "$d" ] || { echo "there is no $d" >&2; exit 1; }
last() { l=$(readlink "$1") && echo "\${l##*/}"; }
echo "driver=$(last "$d/driver")"
[ -e "$d/driver_override" ] && echo overridable=yes
echo "override=$(cat "$d/driver_override" 2>/dev/null)"
group=$(last "$d/iommu_group")
echo "group=$group"
[ -n "$group" ] && [ -e "/dev/vfio/$group" ] && echo file=yes
echo "uevents=$(cat /sys/kernel/uevent_seqnum)"
set -- $(ls -id "$d/driver" 2>/dev/null)
echo "link=$1"
for root in /run /var/run /dev/shm /tmp; do
  for claim in "$root"/devbind/*/claim.${encode(bus)},${encode(device)}; do [ -e "$claim" ] && echo "claim=$claim"; done
done
true`;

/** Looks at a device with the demo's own eyes. Refuses a device that isn't there. */
export async function lookWithOwnEyes(shell: BoardShell, place: Place): Promise<Sight> {
  const lines = (await shell(script(place))).split("\n");
  const values = (name: string) => lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
  const value = (name: string) => values(name)[0] || null;
  const override = value("override");
  return {
    driver: value("driver"),
    override: override === "(null)" ? null : override,
    hasOverride: value("overridable") === "yes",
    group: value("group"),
    hasGroupFile: value("file") === "yes",
    uevents: Number(value("uevents")),
    link: value("link") ?? "",
    claims: new Set(values("claim").map((path) => path.replace("/var/run/", "/run/"))).size,
  };
}

/** The old way: what somebody types who wants the device back for a moment. One command a line. */
export function rebindByHand({ bus, device }: Place, from: string | null, to: string | null, hasOverride: boolean): string[] {
  const bus_ = `/sys/bus/${bus}`;
  return [
    ...(from === null ? [] : [`echo '${device}' > '${bus_}/drivers/${from}/unbind'`]),
    ...(hasOverride ? [`echo > '${bus_}/devices/${device}/driver_override'`] : []),
    ...(to === null ? [] : [`echo '${device}' > '${bus_}/drivers/${to}/bind'`]),
  ];
}

/** Whether nobody wrote between two looks: bind and unbind make uevents, which count where nobody else makes any, and a bind makes a new link. */
export function isUntouched(earlier: Sight, later: Sight, isAlone: boolean): boolean {
  return earlier.link === later.link && earlier.override === later.override && (!isAlone || earlier.uevents === later.uevents);
}

import type { Board } from "../boards/board";

/** A device as these tests name it: its bus and its name. */
export type DeviceName = readonly [bus: string, name: string];

const folder = ([bus, name]: DeviceName) => `/sys/bus/${bus}/devices/${name}`;

/** The driver that has the device, by the test's own eyes; null for none. */
export async function driverOf(board: Board, device: DeviceName): Promise<string | null> {
  return (await board.shell(`basename "$(readlink ${folder(device)}/driver)"`)) || null;
}

/** The device's override; null for none. Refuses a device that has no such file. */
export async function overrideOf(board: Board, device: DeviceName): Promise<string | null> {
  const text = await board.shell(`cat ${folder(device)}/driver_override`);
  return text === "(null)" ? null : text;
}

/** Driver and override together. */
export async function stateOf(board: Board, device: DeviceName) {
  return { driver: await driverOf(board, device), override: await overrideOf(board, device) };
}

/** The number of the device's IOMMU group. */
export const groupOf = (board: Board, device: DeviceName) => board.shell(`basename "$(readlink ${folder(device)}/iommu_group)"`);

/** The name of the virtio device behind a card or platform device; it changes when that is bound anew. */
export const virtioBehind = (board: Board, device: DeviceName) => board.shell(`basename ${folder(device)}/virtio*`);

/** Does by hand what somebody on the board might: lets go of the device, sets the override ("" for none), binds the driver. */
export async function moveByHand(board: Board, device: DeviceName, driver: string | null, override = ""): Promise<void> {
  const [bus, name] = device;
  const bind = driver === null ? "" : ` && echo ${name} >/sys/bus/${bus}/drivers/${driver}/bind`;
  const set = `{ [ ! -e driver_override ] || echo '${override}' >driver_override; }`;
  await board.shell(`cd ${folder(device)} && { [ ! -e driver ] || echo ${name} >driver/unbind; } && ${set}${bind}`);
}

/** How many events the kernel has sent: each bind and each unbind is one. */
export const events = (board: Board) => board.shell("cat /sys/kernel/uevent_seqnum");

/**
 * The driver and the override of every device, and what is left in our state folder, but for told outcomes. The alarm timer is left
 * out: the kernel itself gives it up together with the clock, for good; so are virtio and hid devices, which get new names.
 */
export const boardAsFound = (board: Board) =>
  board.shell(
    "{ ls -l /sys/bus/*/devices/*/driver | sed 's|.* /sys|/sys|'; grep . /sys/bus/*/devices/*/driver_override; " +
      "find /run/devbind ! -type d 2>/dev/null | grep -v '/outcome[.]'; } | grep -v -e alarmtimer -e bus/virtio -e bus/hid",
  );

import type { Board } from "../boards/board";

/** A device as the tests name it: its bus and its name. */
export type DeviceName = readonly [bus: string, name: string];

export const card: DeviceName = ["pci", "0000:00:01.0"];
export const otherCard: DeviceName = ["pci", "0000:00:02.0"];
export const accelerator: DeviceName = ["pci", "0000:00:03.0"];
export const clock: DeviceName = ["amba", "9010000.pl031"];
export const generator: DeviceName = ["platform", "a003c00.virtio_mmio"];

const folder = ([bus, name]: DeviceName) => `/sys/bus/${bus}/devices/${name}`;

/**
 * Runs a command on the board. dropbear now and then takes no command on a connection that others just used (the system's ssh then
 * ends with 255 and no word): nothing ran, and it is asked again.
 */
export async function run(board: Board, command: string): Promise<string> {
  try {
    return await board.shell(command);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes("exit code 255: nothing on stderr")) throw error;
    return board.shell(command);
  }
}

const driver = (device: DeviceName) => `basename "$(readlink ${folder(device)}/driver)"`;

/** The driver that has the device, by the test's own eyes; "" for none. */
export const driverOf = (board: Board, device: DeviceName) => run(board, driver(device));

/** Driver ("" for none) and override ("(null)" for none) of each device, one after the other. */
export async function seen(board: Board, ...devices: DeviceName[]): Promise<string[]> {
  const commands = devices.flatMap((device) => [driver(device), `cat ${folder(device)}/driver_override`]);
  return (await run(board, `(${commands.join("; ")}) | sed 's/^/:/'`)).split("\n").map((line) => line.slice(1));
}

/** The files of claims and journals in the board's state folder. */
export const claims = (board: Board) => run(board, "find /run/devbind -type f 2>/dev/null | grep -E '/(claim|journal)' || true");

/** How many events the kernel has sent: each bind and each unbind is one. */
export const events = (board: Board) => run(board, "cat /sys/kernel/uevent_seqnum");

/** Unbinds a device by hand and gives it to another driver, as somebody on the board would. */
export const rebindByHand = (board: Board, device: DeviceName, driver: string) =>
  run(
    board,
    `cd ${folder(device)} && { [ ! -e driver ] || echo ${device[1]} >driver/unbind; } && echo >driver_override && ` +
      `echo ${device[1]} >/sys/bus/${device[0]}/drivers/${driver}/bind`,
  );

/**
 * All that a write of ours would change: every file in the folders that stay or that we use, with size and times; the driver and the
 * override of every device; and the kernel's count of events.
 */
export const witness = (board: Board) =>
  run(
    board,
    [
      "find /run /var /tmp /dev/shm /etc /root /lib -exec stat -c '%n %s %y %z' {} + 2>/dev/null",
      'for link in /sys/bus/*/devices/*/driver; do echo "$link $(readlink "$link")"; done',
      "grep -H . /sys/bus/*/devices/*/driver_override",
      "cat /proc/modules /sys/kernel/uevent_seqnum",
    ].join("; "),
  );

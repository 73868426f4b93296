import type { Board } from "../boards/board";

/**
 * A process on the arm64 board that does what a virtual machine does: it opens a vfio group's device and keeps it. There is no
 * compiler there, so its few instructions are put together here.
 */
const loadedAt = 0x400000;
const headerBytes = 64 + 56;
const [openat, ioctl, ppoll] = [56, 29, 73];
const [setContainer, setIommu, getDevice] = [0x3b68, 0x3b66, 0x3b6a]; // linux/vfio.h
const [containerRegister, groupRegister, scratch] = [19, 20, 9];

const set = (register: number, value: number) => [
  (0xd2800000 | ((value & 0xffff) << 5) | register) >>> 0, // movz
  (0xf2a00000 | ((value >>> 16) << 5) | register) >>> 0, // movk, lsl 16
];
const copy = (to: number, from: number) => (0xaa0003e0 | (from << 16) | to) >>> 0;
const setWorkingFolder = (0x92800000 | (99 << 5)) >>> 0; // movn x0, #99: AT_FDCWD
const call = (number: number) => [...set(8, number), 0xd4000001];
const storeContainer = (address: number) => [...set(scratch, address), (0xb9000000 | (scratch << 5) | containerRegister) >>> 0];

/** The instructions, for texts that lie from this address on. */
function instructions(texts: { container: number; group: number; device: number; variable: number }): number[] {
  const open = (path: number, into: number) => [setWorkingFolder, ...set(1, path), ...set(2, 2), ...call(openat), copy(into, 0)];
  return [
    ...open(texts.container, containerRegister),
    ...open(texts.group, groupRegister),
    ...storeContainer(texts.variable),
    ...[copy(0, groupRegister), ...set(1, setContainer), ...set(2, texts.variable), ...call(ioctl)],
    ...[copy(0, containerRegister), ...set(1, setIommu), ...set(2, 1), ...call(ioctl)],
    ...[copy(0, groupRegister), ...set(1, getDevice), ...set(2, texts.device), ...call(ioctl)],
    ...[...set(0, 0), ...set(1, 0), ...set(2, 0), ...set(3, 0), ...call(ppoll)],
  ];
}

/** A static arm64 program in one writable segment. */
function program(group: string, device: string): Buffer {
  const codeBytes = instructions({ container: 0, group: 0, device: 0, variable: 0 }).length * 4;
  let next = loadedAt + headerBytes + codeBytes;
  const data: Buffer[] = [];
  const place = (bytes: Buffer) => {
    const address = next;
    data.push(bytes);
    next += bytes.length;
    return address;
  };
  const variable = place(Buffer.alloc(8));
  const [container = 0, groupPath = 0, name = 0] = ["/dev/vfio/vfio", `/dev/vfio/${group}`, device].map((text) =>
    place(Buffer.from(`${text}\0`)),
  );
  const code = Buffer.alloc(codeBytes);
  instructions({ container, group: groupPath, device: name, variable }).forEach((word, index) => void code.writeUInt32LE(word, index * 4));
  const rest = Buffer.concat([code, ...data]);
  return Buffer.concat([header(headerBytes + rest.length), rest]);
}

/** The ELF header and its one program header. */
function header(fileBytes: number): Buffer {
  const elf = Buffer.alloc(headerBytes);
  elf.write("\x7fELF\x02\x01\x01", "latin1");
  const [executable, aarch64, version, load, readWriteExecute] = [2, 183, 1, 1, 7];
  elf.writeUInt16LE(executable, 16);
  elf.writeUInt16LE(aarch64, 18);
  elf.writeUInt32LE(version, 20);
  elf.writeBigUInt64LE(BigInt(loadedAt + headerBytes), 24);
  elf.writeBigUInt64LE(64n, 32);
  [64, 56, 1].forEach((value, index) => void elf.writeUInt16LE(value, 52 + index * 2));
  elf.writeUInt32LE(load, 64);
  elf.writeUInt32LE(readWriteExecute, 68);
  [0, loadedAt, loadedAt, fileBytes, fileBytes, 4096].forEach((value, index) => void elf.writeBigUInt64LE(BigInt(value), 72 + index * 8));
  return elf;
}

/** Starts the process "virtual-machine", which holds the device open; returns its number once it does. */
export async function holdOpen(board: Board, group: string, device: string): Promise<string> {
  const file = "/tmp/virtual-machine";
  await board.shell("modprobe vfio_iommu_type1");
  await board.shell(`echo ${program(group, device).toString("base64")} | base64 -d >${file} && chmod 755 ${file}`);
  const process = await board.shell(`setsid ${file} </dev/null >/dev/null 2>&1 & echo $!`);
  await board.shell(
    `tries=50; until ls -l /proc/${process}/fd | grep -q vfio-device; do tries=$((tries - 1)); [ $tries -gt 0 ] || exit 1; usleep 100000; done`,
  );
  return process;
}

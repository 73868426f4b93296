/**
 * The bytes of the kernel's FUSE protocol (include/uapi/linux/fuse.h, 7.31), as far as a small tree needs them. All numbers are
 * little-endian.
 */

/** The operations that are answered; all others get ENOSYS. */
export const operations = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  readlink: 5,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
} as const;

export const headerBytes = 40;

/** One request: which operation on which node, and the process that asks. */
export interface Request {
  operation: number;
  unique: Buffer;
  node: number;
  pid: number;
  body: Buffer;
}

export function readRequest(bytes: Buffer): Request {
  return {
    operation: bytes.readUInt32LE(4),
    unique: Buffer.from(bytes.subarray(8, 16)),
    node: Number(bytes.readBigUInt64LE(16)),
    pid: bytes.readUInt32LE(32),
    body: Buffer.from(bytes.subarray(headerBytes)),
  };
}

/** An answer: an errno (0 for success) and what belongs to it. */
export function answer(unique: Buffer, errno: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(16 + body.length, 0);
  head.writeInt32LE(-errno, 4);
  unique.copy(head, 8);
  return Buffer.concat([head, body]);
}

export function initAnswer(): Buffer {
  const body = Buffer.alloc(64);
  body.writeUInt32LE(7, 0);
  body.writeUInt32LE(31, 4);
  body.writeUInt32LE(65536, 8);
  body.writeUInt16LE(64, 16);
  body.writeUInt16LE(48, 18);
  body.writeUInt32LE(65536, 20);
  body.writeUInt32LE(1, 24);
  return body;
}

const modes = { folder: 0o040755, link: 0o120777, file: 0o100644 } as const;
export type Kind = keyof typeof modes;

/** A node's attributes. Every file says 4096 bytes, as in sysfs. */
function attributes(node: number, kind: Kind): Buffer {
  const body = Buffer.alloc(88);
  body.writeBigUInt64LE(BigInt(node), 0);
  body.writeBigUInt64LE(kind === "file" ? 4096n : 0n, 8);
  body.writeUInt32LE(modes[kind], 60);
  body.writeUInt32LE(1, 64);
  body.writeUInt32LE(process.getuid?.() ?? 0, 68);
  body.writeUInt32LE(process.getgid?.() ?? 0, 72);
  body.writeUInt32LE(4096, 80);
  return body;
}

/** Nothing may be remembered but the root, so that `umount` need not ask for it. */
export function attributesAnswer(node: number, kind: Kind): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64LE(node === 1 ? 3600n : 0n, 0);
  return Buffer.concat([head, attributes(node, kind)]);
}

export function entryAnswer(node: number, kind: Kind): Buffer {
  const head = Buffer.alloc(40);
  head.writeBigUInt64LE(BigInt(node), 0);
  return Buffer.concat([head, attributes(node, kind)]);
}

/** An open file whose reads and writes come here one by one, past the page cache. */
export function openAnswer(): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(1, 8);
  return body;
}

export function writeAnswer(bytes: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32LE(bytes, 0);
  return body;
}

/** The names of a folder from the given place on, as many as have room. */
export function folderAnswer(names: string[], from: number, room: number): Buffer {
  const entries: Buffer[] = [];
  let used = 0;
  for (const [place, name] of names.entries()) {
    if (place < from) continue;
    const bytes = Buffer.from(name);
    const entry = Buffer.alloc(Math.ceil((24 + bytes.length) / 8) * 8);
    entry.writeBigUInt64LE(BigInt(place + 2), 0);
    entry.writeBigUInt64LE(BigInt(place + 1), 8);
    entry.writeUInt32LE(bytes.length, 16);
    bytes.copy(entry, 24);
    if (used + entry.length > room) break;
    used += entry.length;
    entries.push(entry);
  }
  return Buffer.concat(entries);
}

import { constants } from "node:os";
import {
  answer,
  attributesAnswer,
  entryAnswer,
  folderAnswer,
  initAnswer,
  openAnswer,
  operations,
  type Request,
  writeAnswer,
} from "./fuse-wire";
import { exists, type Folder, type Node } from "./tree";

const { ENOENT, ENOSYS, EACCES, EISDIR } = constants.errno;
const silent: number[] = [operations.forget, operations.batchForget, operations.interrupt];

/** What a mounted tree answers to each request of the kernel. */
export class Session {
  private readonly nodes: (Node | undefined)[] = [undefined];
  private readonly numbers = new Map<Node, number>();

  constructor(top: Folder) {
    this.numberOf(top);
  }

  /** The answer, when it is there; undefined where none is awaited. */
  async reply(request: Request): Promise<Buffer | undefined> {
    if (silent.includes(request.operation)) return undefined;
    if (request.operation === operations.init) return answer(request.unique, 0, initAnswer());
    const node = this.nodes[request.node];
    const result = node === undefined ? ENOENT : await this.perform(request, node);
    return typeof result === "number" ? answer(request.unique, result) : answer(request.unique, 0, result);
  }

  private numberOf(node: Node): number {
    const known = this.numbers.get(node);
    if (known !== undefined) return known;
    this.numbers.set(node, this.nodes.length);
    return this.nodes.push(node) - 1;
  }

  /** An errno, or what belongs to a success. */
  private perform(request: Request, node: Node): number | Buffer | Promise<number | Buffer> {
    switch (request.operation) {
      case operations.lookup:
        return this.lookup(node, request.body.subarray(0, -1).toString());
      case operations.getattr:
      case operations.setattr:
        return attributesAnswer(request.node, node.kind);
      case operations.readlink:
        return node.kind === "link" ? Buffer.from(node.target() ?? "") : ENOENT;
      case operations.open:
      case operations.opendir:
        return open(node, request.body.readUInt32LE(0));
      case operations.read:
        return read(node, Number(request.body.readBigUInt64LE(8)), request.body.readUInt32LE(16));
      case operations.readdir:
        return list(node, Number(request.body.readBigUInt64LE(8)), request.body.readUInt32LE(16));
      case operations.write:
        return write(node, request);
      case operations.release:
      case operations.releasedir:
      case operations.flush:
      case operations.destroy:
        return 0;
      case operations.statfs:
        return Buffer.alloc(80);
      default:
        return ENOSYS;
    }
  }

  private lookup(node: Node, name: string): number | Buffer {
    const found = node.kind === "folder" ? node.entries.get(name) : undefined;
    return exists(found) ? entryAnswer(this.numberOf(found), found.kind) : ENOENT;
  }
}

/** A file that cannot be written is EACCES on opening, which the kernel does by its mode even for root in sysfs. */
function open(node: Node, flags: number): number | Buffer {
  const isForWriting = (flags & 3) !== 0;
  if (isForWriting && node.kind === "folder") return EISDIR;
  if (isForWriting && node.kind === "file" && node.write === undefined) return EACCES;
  return openAnswer();
}

async function read(node: Node, from: number, room: number): Promise<number | Buffer> {
  if (node.kind !== "file") return EISDIR;
  const content = await node.read();
  return (typeof content === "string" ? Buffer.from(content) : content).subarray(from, from + room);
}

function list(node: Node, from: number, room: number): number | Buffer {
  if (node.kind !== "folder") return ENOENT;
  const names = [...node.entries].filter(([, entry]) => exists(entry)).map(([name]) => name);
  return folderAnswer(names, from, room);
}

async function write(node: Node, request: Request): Promise<number | Buffer> {
  const bytes = request.body.readUInt32LE(16);
  if (node.kind !== "file" || node.write === undefined) return EACCES;
  const errno = await node.write({ text: request.body.subarray(40, 40 + bytes).toString("latin1"), pid: request.pid });
  return errno === 0 ? writeAnswer(bytes) : errno;
}

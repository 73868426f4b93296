import type { Socket } from "node:net";
import type { Connection } from "ssh2";

/** Numbers of packets (RFC 4250 section 4.1.2) that a hostile server sends. */
export const packet = {
  disconnect: 1,
  ignore: 2,
  debug: 4,
  kexInit: 20,
  groupExchangeGroup: 31,
  authFailure: 51,
  authSuccess: 52,
  authBanner: 53,
  /** PK_OK, PASSWD_CHANGEREQ or INFO_REQUEST, after what the client tried last. */
  authQuestion: 60,
  globalRequest: 80,
  channelOpen: 90,
  channelOpened: 91,
  channelOpenFailure: 92,
  windowAdjust: 93,
  channelData: 94,
  extendedData: 95,
  channelEof: 96,
  channelClose: 97,
  channelRequest: 98,
  channelSuccess: 99,
} as const;

export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export const text = (value: string | Buffer): Buffer => Buffer.concat([number(Buffer.byteLength(value)), Buffer.from(value)]);
export const yes = Buffer.from([1]);
export const no = Buffer.from([0]);

/** A packet as it is before any key exchange (RFC 4253 section 6): unencrypted. */
export function plainPacket(type: number, ...parts: Buffer[]): Buffer {
  const payload = Buffer.concat([Buffer.from([type]), ...parts]);
  const padding = 8 - ((payload.length + 5) % 8) + 8;
  return Buffer.concat([number(payload.length + padding + 1), Buffer.from([padding]), payload, Buffer.alloc(padding)]);
}

/** A KEXINIT whose first list is `exchanges`; the others hold what every client has. */
export function plainKexInit(exchanges: string): Buffer {
  const cipher = "aes128-ctr,aes256-ctr";
  const mac = "hmac-sha2-256,hmac-sha2-512";
  const lists = [exchanges, "ssh-ed25519,rsa-sha2-512", cipher, cipher, mac, mac, "none", "none", "", ""];
  return plainPacket(packet.kexInit, Buffer.alloc(16), ...lists.map(text), no, number(0));
}

/** What lies below the public door of `ssh2`'s server: an honest one has no need of it. */
interface Internals {
  readonly _sock: Socket;
  readonly _protocol: {
    readonly _cipher: { encrypt(packet: Buffer): void };
    readonly _packetRW: {
      readonly write: { readonly allocStart: number; alloc(length: number): Buffer; finalize(packet: Buffer): Buffer };
    };
  };
}

const hasInternals = (connection: object): connection is Internals => "_sock" in connection && "_protocol" in connection;

/** The encrypted connection of a server that says whatever it wants to, when it wants to. */
export class Wire {
  private readonly internals: Internals;

  constructor(connection: Connection) {
    const inside: object = connection;
    if (!hasInternals(inside)) throw new Error("ssh2 has changed inside: hostile packets can't be sent any more");
    this.internals = inside;
  }

  send(type: number, ...parts: Buffer[]): void {
    const payload = Buffer.concat([Buffer.from([type]), ...parts]);
    const { _cipher, _packetRW } = this.internals._protocol;
    const packet = _packetRW.write.alloc(payload.length);
    packet.set(payload, _packetRW.write.allocStart);
    _cipher.encrypt(_packetRW.write.finalize(packet));
  }

  /** Sends for ever: as fast as the client reads, until it cuts the connection. */
  flood(type: number, ...parts: Buffer[]): void {
    pour(this.internals._sock, () => this.send(type, ...parts));
  }

  /** Reads nothing any more. */
  turnDeaf(): void {
    this.internals._sock.pause();
  }

  /** Takes the client's first channel and the command that it asks for, without waiting for either. */
  openChannel({ window = 2 ** 21, packetSize = 32_768 } = {}): this {
    this.send(packet.channelOpened, number(0), number(0), number(window), number(packetSize));
    return this;
  }

  takeCommand(): this {
    this.send(packet.channelSuccess, number(0));
    return this;
  }
}

/** Calls `more` for ever, as fast as the other side reads, until it cuts the connection. */
export function pour(socket: Socket, more: () => void): void {
  if (socket.destroyed || !socket.writable) return;
  for (let count = 0; count < 100 && socket.writableLength < 1_000_000; count++) more();
  setImmediate(() => pour(socket, more));
}

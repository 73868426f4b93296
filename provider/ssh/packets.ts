import handlers from "ssh2/lib/protocol/handlers.js";

/**
 * `ssh2` 1.17 believes a server in three things that would end or stop this process, and has no door to refuse them; so its table
 * of packet handlers is guarded here, for all of its connections. What a guard throws ends the connection with that message.
 */

type Handler = (typeof handlers)[number];

const infoRequest = 60;
const channelOpenConfirmation = 91;
const channelData = [94, 95];
const channelEof = 96;
const channelClose = 97;
const promptsMaximum = 32;
const packetSizeMinimum = 1024;
const promptsOffset = 1;
const packetSizeOffset = 13;

/** Channels whose other side has said that nothing more comes. */
const ended = new WeakMap<object, Set<number>>();

guard(infoRequest, (_connection, payload) => {
  // RFC 4256 section 3.2: three strings, then how many prompts there are; `ssh2` makes an array of that length at once.
  let offset = promptsOffset;
  for (let strings = 0; strings < 3; strings++) {
    if (offset + 4 > payload.length) return true;
    offset += 4 + payload.readUInt32BE(offset);
  }
  if (offset + 4 <= payload.length && payload.readUInt32BE(offset) > promptsMaximum)
    throw new Error("it asks for too many answers at once");
  return true;
});

guard(channelOpenConfirmation, (_connection, payload) => {
  // RFC 4254 section 5.1: `ssh2` cuts what it sends into pieces of that size, and with 0 never ends; sizes below a thousand cost a cipher each.
  if (payload.length >= packetSizeOffset + 4 && payload.readUInt32BE(packetSizeOffset) < packetSizeMinimum)
    throw new Error("it takes data in crumbs only");
  return true;
});

guard(channelEof, (connection, payload) => {
  if (payload.length >= 5) endedOf(connection).add(payload.readUInt32BE(1));
  return true;
});

guard(channelClose, (connection, payload) => {
  if (payload.length >= 5) endedOf(connection).delete(payload.readUInt32BE(1));
  return true;
});

// RFC 4254 section 5.3: after its end a channel has no more data; `ssh2` would make that an error of a stream that nobody can listen to yet.
for (const type of channelData)
  guard(type, (connection, payload) => payload.length < 5 || !endedOf(connection).has(payload.readUInt32BE(1)));

/** Lets a handler see only those packets that the guard says true to. */
function guard(type: number, isFit: (connection: object, payload: Buffer) => boolean): void {
  const handler: Handler | undefined = handlers[type];
  if (handler === undefined) throw new Error(`ssh2 has no handler for packets of type ${type} any more`);
  handlers[type] = (connection, payload) => (isFit(connection, payload) ? handler(connection, payload) : undefined);
}

function endedOf(connection: object): Set<number> {
  const known = ended.get(connection) ?? new Set<number>();
  ended.set(connection, known);
  return known;
}

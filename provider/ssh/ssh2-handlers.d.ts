/** The table of `ssh2`'s packet handlers, by the number of the packet (RFC 4250 section 4.1); it has no types of its own. */
declare module "ssh2/lib/protocol/handlers.js" {
  const handlers: (((connection: object, payload: Buffer) => unknown) | undefined)[];
  export = handlers;
}

import { createServer } from "node:net";
import { sleep } from "./run";

const tries = 20;

/** A board did not start because somebody else has the port. */
export class PortTaken extends Error {}

/** A loopback port that nobody had a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

/** Starts something on a free port, and again on another where somebody was faster. */
export async function withFreePort<Result>(start: (port: number) => Promise<Result>): Promise<Result> {
  return insistently(async () => start(await freePort()));
}

/** Starts something that may find its port taken, for two seconds. */
export async function insistently<Result>(start: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === tries) throw error;
      await sleep(0.1);
    }
  }
}

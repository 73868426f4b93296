import { connectionSchema } from "../../provider/schema";
import type { BoardConnection } from "../../provider/ssh/connection";
import { withConnection } from "../../provider/ssh/pool";

/** Run by pool.test.ts in a process of its own: works over a connection, then has nothing left to do. Its argument is the connection. */
const connection = connectionSchema.parse(JSON.parse(process.argv[2] ?? "{}"));
let kept: BoardConnection | undefined;
process.on("exit", () => process.stdout.write(`the connection is ${kept?.closed === false ? "still open" : "closed"} at the end\n`));
withConnection(connection, async (board) => {
  kept = board;
  const request = { input: "", isComplete: () => false, maximumBytes: 1000, timeoutSeconds: 60 };
  process.stdout.write((await board.run(request)).stdout);
});

#!/usr/bin/env node
import { exits } from "./exit";
import { run } from "./program";

/** A reader that has read enough, as `head`, is no error. */
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? exits.fine : exits.defect);
});

/** A transaction that a board has goes on there by itself: it ends done, undone or stuck without us. */
process.on("SIGINT", () => {
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  process.exit(exits.interrupted);
});

void run(process.argv.slice(2), { out: process.stdout, err: process.stderr, env: process.env }).then((exit) => {
  process.exitCode = exit;
});

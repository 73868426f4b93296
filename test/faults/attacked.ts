import { cp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { look } from "../../provider/board/board";
import type { call } from "../../provider/runtime";
import { temporaryFolder } from "../boards/leftovers";

const repository = resolve(__dirname, "../..");
const whole = <T>() => z.custom<T>((value) => typeof value === "function");
const parts = {
  runtime: z.object({ call: whole<typeof call>() }),
  board: z.object({ look: whole<typeof look>() }),
  pool: z.object({ closeIdleConnections: whole<() => Promise<void>>() }),
};

/** A copy of the built package, as one controller uses it: connections and logins are its own. */
export interface Attacked {
  /** The copy, with the module `dist/runtime.js` in it. */
  readonly folder: string;
  /** The frozen door of the runtime. */
  readonly call: typeof call;
  readonly look: typeof look;
  /** The next call logs in anew. */
  logOut(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Copies `dist/` (or the build that DEVBIND_DIST names), where `change` may put something into the script for the board. Refuses a
 * package that is not built.
 */
export async function openAttacked(change: (script: string) => string = (script) => script): Promise<Attacked> {
  const folder = await temporaryFolder();
  await cp(process.env.DEVBIND_DIST ?? join(repository, "dist"), join(folder, "dist"), { recursive: true });
  await symlink(join(repository, "node_modules"), join(folder, "node_modules"));
  const script = join(folder, "dist/board/devbind.sh");
  await writeFile(script, change(await readFile(script, "utf8")));
  const load = createRequire(join(folder, "dist/runtime.js"));
  const { closeIdleConnections } = parts.pool.parse(load("./ssh/pool.js"));
  return {
    folder,
    call: parts.runtime.parse(load("./runtime.js")).call,
    look: parts.board.parse(load("./board/board.js")).look,
    logOut: closeIdleConnections,
    async close() {
      await closeIdleConnections().catch(() => {}); // a login that failed is closed
      await rm(folder, { recursive: true, force: true });
    },
  };
}

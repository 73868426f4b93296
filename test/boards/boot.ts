// Boots a board for a person: npm run board -- arm64 (or exynos, x86, debian, uml)
import { dirname, join } from "node:path";
import { type Board, type BoardKind, bootBoard } from "./board";
import { hostAlias } from "./keys";

const kinds: readonly string[] = ["arm64", "exynos", "x86", "debian", "uml"] satisfies BoardKind[];

function isKind(word: string | undefined): word is BoardKind {
  return word !== undefined && kinds.includes(word);
}

function howToReach(board: Board): string {
  const knownHosts = join(dirname(board.privateKeyPath), "known_hosts");
  const options = `-i ${board.privateKeyPath} -p ${board.port} -o HostKeyAlias=${hostAlias} -o UserKnownHostsFile=${knownHosts}`;
  return `
Log in:
  ssh -F none ${options} ${board.user}@${board.host}

In a program:
  import { readFileSync } from "node:fs";
  const connection = {
    host: "${board.host}",
    port: ${board.port},
    user: "${board.user}",
    privateKey: readFileSync("${board.privateKeyPath}", "utf8"),
    hostKey: "${board.hostKey}",
  };

The board runs until Ctrl-C.`;
}

async function main(): Promise<void> {
  const kind = process.argv[2] ?? "arm64";
  if (!isKind(kind)) throw new Error(`there is no board "${kind}": choose ${kinds.join(" or ")}`);
  const board = await bootBoard(kind, { onProgress: (line) => console.log(line) });
  console.log(howToReach(board));
  const wait = setInterval(() => {}, 60_000); // a board alone keeps no process alive
  await new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, resolve);
  });
  clearInterval(wait);
  await board.close();
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

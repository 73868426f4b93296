import { readFileSync } from "node:fs";
import { type IdentityCallback, OpenSSHAgent, type ParsedKey, utils } from "ssh2";

/**
 * An agent of which only those keys are offered that stand in the given files, or in `<file>.pub` beside them (IdentitiesOnly of
 * ssh_config(5)): a server lets one try only a few.
 */
export class ChosenKeys extends OpenSSHAgent {
  constructor(
    socketPath: string,
    private readonly files: readonly string[],
  ) {
    super(socketPath);
  }

  override getIdentities(callback: IdentityCallback<ParsedKey>): void {
    const chosen = this.files.flatMap(publicHalf);
    const isChosen = (key: unknown) => {
      const parsed = Buffer.isBuffer(key) || typeof key === "string" ? utils.parseKey(key) : key;
      const wire = isKey(parsed) ? parsed.getPublicSSH() : undefined;
      return chosen.some((one) => wire?.equals(one));
    };
    super.getIdentities((error, keys) => callback(error, keys?.filter(isChosen)));
  }
}

const isKey = (key: unknown): key is ParsedKey => typeof key === "object" && key !== null && "getPublicSSH" in key;

function publicHalf(file: string): Buffer[] {
  return [file, `${file}.pub`].flatMap((path) => {
    try {
      const key = utils.parseKey(readFileSync(path));
      return key instanceof Error ? [] : [key.getPublicSSH()];
    } catch {
      return [];
    }
  });
}

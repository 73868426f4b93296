import { randomBytes } from "node:crypto";
import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import { type KeyPair, makeKey } from "../ssh/keys";

const isMark = /MARK[0-9a-f]{24}/g;
/** "MARK" and what follows, in Base64. */
const isCodedMark = /TUFSS[A-Za-z0-9+/]{33}/g;

/** Values that nothing may show, each with a name that says where it was given. */
export class Marks {
  private readonly texts = new Map<string, string>();
  private readonly lines = new Map<string, string>();

  /** A new password or passphrase, of letters and digits: no way of quoting changes it. */
  text(name: string): string {
    const value = `MARK${randomBytes(12).toString("hex")}`;
    this.texts.set(value, name);
    return value;
  }

  /** A new private key, each line of which is searched for; the first, which says little more than "OpenSSH", is common to all. */
  key(name: string, passphrase?: string): KeyPair {
    const made = makeKey("ed25519", passphrase);
    const lines = made.privateKey.split("\n").filter((line) => line.length > 20 && !line.includes("-----"));
    for (const line of lines.slice(1)) this.lines.set(line, name);
    return made;
  }

  /** The names of all that were made, sorted. */
  get names(): string[] {
    return [...new Set([...this.texts.values(), ...this.lines.values()])].sort();
  }

  /** The names of those that a text shows, as they are or in Base64, sorted. */
  in(text: string): string[] {
    const decoded = [...text.matchAll(isCodedMark)].map(([coded]) => Buffer.from(coded, "base64").toString("latin1"));
    const shown = [text, ...decoded].flatMap((one) => [...one.matchAll(isMark)]).map(([mark]) => this.texts.get(mark) ?? "another run's");
    const keys = [...this.lines].filter(([line]) => text.includes(line)).map(([, name]) => name);
    return [...new Set([...shown, ...keys])].sort();
  }

  /** Where the files of a folder show one, `path: names`; what is compressed is looked into, links are not followed. */
  inFiles(folder: string): string[] {
    return entriesOf(folder).flatMap((path) => {
      const names = this.in(contentOf(path));
      return names.length === 0 ? [] : [`${relative(folder, path)}: ${names.join(", ")}`];
    });
  }
}

function entriesOf(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry: Dirent) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function contentOf(path: string): string {
  const bytes = readFileSync(path);
  const isCompressed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return (isCompressed ? gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }) : bytes).toString("latin1");
}

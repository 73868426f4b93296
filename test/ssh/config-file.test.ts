import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Asked, readBySsh, readByUs } from "./config-as-ssh";
import { type ConfigText, madeText, texts } from "./config-texts";
import { whatIsMissing } from "./machine";
import { errorOf, makeProject } from "./project";

const missing = whatIsMissing();
/** Keys of kinds that we can't use: `ssh -G` names them too, where a file names none. */
const isUnused = (path: string) => /^~\/\.ssh\/id_(ecdsa_sk|ed25519_sk|xmss|dsa)$/.test(path);

/** Gives one file to both; whether it was one that goes in a circle. */
async function compare({ text, asked = { host: "board-7" }, files = {} }: Omit<ConfigText, "title">): Promise<boolean> {
  const { folder, home, write } = makeProject();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content.replaceAll("DIR", folder));
  }
  const file = write("config", text.replaceAll("DIR", folder));
  const theirs = readBySsh(file, asked);
  if (theirs !== undefined) {
    const identityFiles = theirs.identityFiles.filter((path) => !isUnused(path));
    expect(readByUs(file, asked, home)).toEqual({ ...theirs, identityFiles });
    return false;
  }
  const error = await errorOf(() => readByUs(file, asked, home));
  expect([error.kind, error.property]).toEqual(["invalid", "connection.configFile"]);
  expect(error.message).toContain(`The ProxyJump lines of ${file} go in a circle`);
  return true;
}

describe.skipIf(missing !== undefined)(`an OpenSSH config file is read as ssh -G reads it${missing ? ` (${missing})` : ""}`, () => {
  it.each(texts.map((config) => [config.title, config] as const))("%s", async (_title, config) => {
    expect(await compare(config)).toBe(config.isCircle ?? false);
  });

  it.each(Array.from({ length: 40 }, (_, index) => index + 1))("made from seed %i", async (seed) => {
    const asked: Asked = { host: "board-7", ...(seed % 3 === 0 && { user: "lab" }), ...(seed % 5 === 0 && { port: 2022 }) };
    await compare({ text: madeText(seed * 7919), asked });
  });
});

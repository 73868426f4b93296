/**
 * Makes text from a server fit for a message: terminal escapes (ECMA-48 CSI, OSC and two-byte ones), control and format characters
 * (C0, C1, bidirectional marks) are taken out, runs of space become one, and at most `longest` characters stay.
 */
export function plain(text: string, longest = 200): string {
  const clean = text
    .slice(0, 16 * longest)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
    .replace(/(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]/g, "")
    .replace(/[\s\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/[\p{Cc}\p{Cf}]/gu, "")
    .trim();
  return clean.length > longest ? `${clean.slice(0, longest)}…` : clean;
}

/** A text without the secrets that a server may have sent back; those of less than four characters can't be told from other text. */
export function withoutSecrets(text: string, secrets: readonly (string | undefined)[]): string {
  const known = secrets.filter((secret) => secret !== undefined && secret.length >= 4);
  return known.reduce<string>((clean, secret) => clean.split(secret ?? "").join("[secret]"), text);
}

/** The system's or ssh2's own words of an error, made fit to print, with the system's code where it isn't in there already. `secrets` are taken out. */
export function reasonOf(error: unknown, secrets: readonly (string | undefined)[] = []): string {
  if (!(error instanceof Error)) return typeof error === "string" ? plain(error) : "no reason given";
  const code = "code" in error && typeof error.code === "string" ? plain(error.code, 40) : "";
  const text = plain(withoutSecrets(error.message, secrets)).replace(/^\(SSH\) Channel open failure: ?/, "");
  if (text === "") return code === "" ? "no reason given" : code;
  return code === "" || text.includes(code) ? text : `${text} (${code})`;
}

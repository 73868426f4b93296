import type { Hostility } from "./hostile-server";
import type { Answer } from "./server";

/** A board whose command prints what is made of the request's own nonce. */
export const printing = (make: (nonce: string) => string, fields: Partial<Answer> = {}): Hostility => ({
  answer: (stdin) => {
    const request = stdin.trimEnd().split("\n").at(-1) ?? "";
    return { stdout: make(request.split(" ")[2] ?? ""), stderr: "", code: 0, ...fields };
  },
});

/** Lines under the nonce, with an end that counts them right. */
export const saying = (...lines: string[]) =>
  printing((nonce) => [...lines, `end ${lines.length}`].map((line) => `${nonce} ${line}\n`).join(""));

const lineOf = (word: string, fields: Record<string, string>) =>
  [word, ...Object.entries(fields).map(([key, value]) => `${key}=${value}`)].join(" ");

/** The first line of an answer that is right, but for what is changed. */
export const boardLine = (changed: Record<string, string> = {}) =>
  lineOf("board", {
    ...{ protocol: "1", boot: "b", condition: "quiet", uid: "0", machine: "m", uuid: "-", kernel: "k", host: "h", serial: "-" },
    ...{ state: "/run/devbind/b", writable: "yes", ...changed },
  });

/** The line of a device that has no driver, can take any and belongs to nobody, but for what is changed. */
export const deviceLine = (changed: Record<string, string> = {}) =>
  lineOf("device", {
    ...{ index: "0", present: "yes", bus: "yes", driver: "-", unbindable: "yes", path: "/p", journal: "-", override: "-", modalias: "-" },
    ...{ compatible: "-", group: "-", members: "-", node: "-", dependents: "-", holders: "-", registered: "yes", bindable: "yes" },
    ...{ loadable: "yes", similar: "-", guard: "-", claimant: "-", claimDriver: "-", claimOverride: "-", ...changed },
  });

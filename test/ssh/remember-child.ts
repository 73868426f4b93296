import { rememberKey, type Trust } from "../../provider/ssh/host-keys";

/** Run by host-keys.test.ts, several at once: writes a hundred long lines into the file of its first argument, marked by its second. */
const [, , writeTo = "", mark = ""] = process.argv;
const trust: Trust = {
  checking: "accept-new",
  name: "",
  given: [],
  known: [],
  fallback: [],
  authority: undefined,
  files: [writeTo],
  writeTo,
};
for (let index = 0; index < 100; index++) {
  rememberKey(trust, `${mark}${index} ${"x".repeat(500)}`, { address: "root@board:22", property: "connection" });
}

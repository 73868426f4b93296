import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { boardScript } from "../../provider/board/script";
import { deviceBindingType } from "../../provider/device-binding";
import { providerText } from "../../provider/resource";
import * as runtime from "../../provider/runtime";

/** What lives on in users' state and on boards: a change here breaks somebody who upgrades. */
describe("in every resource's state", () => {
  it("the type is this one", () => expect(deviceBindingType).toBe("pulumi-nodejs:dynamic/devbind:DeviceBinding"));

  it("the provider's text is this one, at most 300 bytes", () => {
    expect(providerText).toBe(
      'exports.handler=()=>{const r=require("module").createRequire(process.cwd()+"/_.js");try{return r("pulumi-devbind/runtime")}' +
        'catch(e){throw e.code=="MODULE_NOT_FOUND"?Error("pulumi-devbind is not installed in "+process.cwd()+": run npm install there. "+e.message):e}}',
    );
    expect(Buffer.byteLength(providerText)).toBeLessThanOrEqual(300);
  });

  it("the name by which it finds the runtime is exported by the package", () => {
    const { name, exports } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(providerText).toContain(`"${name}/runtime"`);
    expect(exports["./runtime"].default).toBe("./dist/runtime.js");
  });
});

describe("the runtime", () => {
  it("is the six methods of a dynamic provider, and call", () => {
    expect(Object.keys(runtime).sort()).toEqual(["call", "check", "create", "delete", "diff", "read", "update"]);
  });

  it("refuses a request version that it does not know, and says what to do", async () => {
    await expect(runtime.call(2, "check", { bindings: [{}] })).rejects.toThrow(
      "pulumi-devbind/runtime does not know request version 2; install a newer pulumi-devbind",
    );
  });

  it("takes a list of bindings and answers each in its place", async () => {
    const one = { connection: { host: "b" }, bus: "pci", device: "a", driver: null };
    const answers = await runtime.call(1, "check", { bindings: [{ news: one }, { news: { ...one, bus: "a/b" } }, { news: one }] });
    expect(answers.map(({ failures }) => failures?.length)).toEqual([0, 1, 0]);
  });

  it.each([
    ["one binding that is no list", { bindings: { news: {} } }],
    ["no binding at all", { bindings: [] }],
    ["a binding by itself", { news: {} }],
  ])("refuses %s", async (_, request) => {
    await expect(runtime.call(1, "check", request as unknown as runtime.Request)).rejects.toThrow(/bindings/);
  });
});

describe("on boards", () => {
  const script = boardScript();

  it("journals are of format 1", () => {
    const start = script.indexOf('echo "devbind-journal 1"');
    const format = script.slice(start, script.indexOf("}", script.indexOf('echo "end $there"', start)));
    expect(format.split("\n").map((line) => line.trim())).toEqual([
      'echo "devbind-journal 1"',
      'echo "transaction $transaction"',
      'echo "claimant $claimant"',
      'echo "writer $me"',
      'while [ "$number" -le "$devices" ]; do',
      'if ! was_gone "$number"; then',
      `eval "echo \\"device \\$key_$number,\\$seen_driver_$number,\\$seen_override_$number,\\$wish_driver_$number,\\$wish_override_$number\\""`,
      'echo_interface "$number"', // a line for a device that a network interface chose; readers of format 1 pass over it
      "there=$((there + 1))",
      "fi",
      "number=$((number + 1))",
      "done",
      // lines that readers of format 1 pass over
      "echo_ids",
      '[ -z "$loading" ] || echo "modules $loading"',
      '[ "$afters" -eq 0 ] || echo_after',
      'echo "end $there"',
      "",
    ]);
  });

  it("claims are of format 1", () => {
    const start = script.indexOf('echo "devbind-claim 1"');
    const format = script.slice(start, script.indexOf("}", start));
    expect(format.split("\n").map((line) => line.trim())).toEqual([
      'echo "devbind-claim 1"',
      'echo "claimant $claimant"',
      'echo "driver $past_driver"',
      'echo "override $past_override"',
      'echo "transaction $transaction"',
      'echo_interface "$number"', // as in a journal
      'echo_notes "$number"', // lines that readers of format 1 pass over
      'echo "end 4"',
      "",
    ]);
  });

  it("the state folder is chosen from these, in this order", () => {
    expect(script).toContain("for base in /run /var/run /dev/shm /tmp; do");
    expect(script).toContain("top=$root$base/devbind");
  });

  it.each(["lock", "broke", "journal", "stuck", "claim", "outcome", "asked", "held"])("a file of the state folder is called %s", (name) => {
    expect(script).toMatch(new RegExp(`\\$state"?/${name}(\\.[$*]|")`));
  });
});

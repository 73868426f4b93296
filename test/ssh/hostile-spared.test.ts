import { describe, expect, it } from "vitest";
import { connect } from "../../provider/ssh/connection";
import { number, packet, text } from "./hostile-packets";
import { startHostile } from "./hostile-server";
import { afterwards, connectionTo, makeProject, serverFor, untilEnd } from "./project";

/** What honest boards do, and what must never be taken for an attack. */
describe("a board is not cut off because", () => {
  const password = "swordfish";

  it("it and its jump hosts carry megabytes both ways, again and again", async () => {
    makeProject();
    const gates = [await serverFor({ password, forwards: true }), await serverFor({ password, forwards: true })];
    const board = await serverFor({ password, answer: async (_command, stdin) => ({ stdout: `${stdin}END\n`, stderr: "", code: 0 }) });
    const at = ({ port, hostKey }: { port: number; hostKey: string }) => ({ host: "127.0.0.1", port, hostKey, password });
    const link = await connect(connectionTo(board.port, { ...at(board), jumps: gates.map(at) }));
    afterwards(() => link.end());
    const input = "x".repeat(3_000_000);
    for (let times = 0; times < 3; times++) {
      const { stdout } = await link.run(untilEnd(input, { maximumBytes: 4_000_000 }));
      expect(stdout === `${input}END\n`).toBe(true);
    }
    expect(board.logins).toBe(1);
  });

  it("it prints in crumbs", async () => {
    makeProject();
    const board = await startHostile({
      session: (wire) => {
        wire.openChannel().takeCommand();
        for (const crumb of [..."x".repeat(5000), "END\n"]) wire.send(packet.channelData, number(0), text(crumb));
      },
    });
    afterwards(() => board.close());
    const link = await connect(connectionTo(board.port, { hostKey: board.hostKey, password }));
    afterwards(() => link.end());
    expect((await link.run(untilEnd(""))).stdout).toBe(`${"x".repeat(5000)}END\n`);
  });

  it("it is asked for thirteen hundred small things over one login", async () => {
    makeProject();
    const board = await serverFor({ password, answer: async () => ({ stdout: "END\n", stderr: "", code: 0 }) });
    const link = await connect(connectionTo(board.port, { hostKey: board.hostKey, password }));
    afterwards(() => link.end());
    const answers = await Promise.all(Array.from({ length: 1300 }, () => link.run(untilEnd(""))));
    expect(answers.every(({ complete }) => complete)).toBe(true);
    expect(board.logins).toBe(1);
  });

  it("it greets with sixty pages before the login", async () => {
    makeProject();
    const board = await serverFor({ password, banner: `${"Unauthorised use is forbidden.\r\n".repeat(1000)}` });
    const link = await connect(connectionTo(board.port, { hostKey: board.hostKey, password }));
    expect((await link.run(untilEnd("echo END\n"))).complete).toBe(true);
    link.end();
  });
});

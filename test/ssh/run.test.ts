import { describe, expect, it, vi } from "vitest";
import { type BoardConnection, connect } from "../../provider/ssh/connection";
import { plain, reasonOf } from "../../provider/ssh/plain";
import { afterwards, connectionTo, errorOf, expectError, makeProject, serverFor, untilEnd } from "./project";
import type { Answer, ServerOptions, TestServer } from "./server";

async function boardWith(options: ServerOptions): Promise<{ board: BoardConnection; server: TestServer; address: string }> {
  makeProject();
  const server = await serverFor({ password: "swordfish", ...options });
  const board = await connect(connectionTo(server.port, { password: "swordfish", hostKey: server.hostKey }));
  afterwards(() => board.end());
  return { board, server, address: `root@127.0.0.1:${server.port}` };
}

const answering = (fields: Partial<Answer>) => async (): Promise<Answer> => ({ stdout: "END\n", stderr: "", code: 0, ...fields });
const unknownProgress = "How far the command came is not known. Look at the board again before anything else is done to it.";

describe("run", () => {
  it("sends the script, ends stdin, and brings stdout, stderr and the exit code of one that ends by itself", async () => {
    const { board } = await boardWith({});
    const answer = await board.run({ ...untilEnd("cat; echo out; echo warn >&2; exit 3\n"), isComplete: () => false });
    expect(answer).toEqual({ stdout: "out\n", stderr: "warn\n", complete: false, exitCode: 3 });
  });

  it("is complete at the end marker, though the channel stays open", async () => {
    const { board, server } = await boardWith({ answer: answering({ after: "stay open" }) });
    const answer = await board.run(untilEnd("", { timeoutSeconds: 3600 }));
    expect(answer).toEqual({ stdout: "END\n", stderr: "", complete: true, exitCode: undefined });
    expect(server.execs).toEqual(["exec sh -s"]);
  });

  it("asks once more when the channel closes, so that a marker without newline counts", async () => {
    const { board } = await boardWith({ answer: answering({ stdout: "END", code: null }) });
    const answer = await board.run({ ...untilEnd(""), isComplete: (stdout) => stdout === "END" });
    expect([answer.complete, answer.exitCode]).toEqual([true, undefined]);
  });

  it("keeps the last 4 KiB of stderr", async () => {
    const { board } = await boardWith({ answer: answering({ stderr: `${"x".repeat(50_000)}last` }) });
    const { stderr } = await board.run({ ...untilEnd(""), isComplete: () => false });
    expect([stderr.length, stderr.endsWith("xlast")]).toEqual([4096, true]);
  });

  it("puts characters together that arrive in pieces, and large output whole", async () => {
    const text = `${"ä€𝄞\n".repeat(100_000)}`;
    const { board } = await boardWith({ answer: answering({ stdout: `${text}END\n` }) });
    let asked = 0;
    const request = {
      ...untilEnd("", { maximumBytes: 2_000_000 }),
      isComplete: (stdout: string) => ++asked > 0 && stdout.endsWith("END\n"),
    };
    const answer = await board.run(request);
    expect(answer.stdout === `${text}END\n`).toBe(true);
    expect(asked).toBeLessThan(400);
  });

  it("sends large input whole", async () => {
    const { board } = await boardWith({ answer: async (_command, stdin) => ({ stdout: `${stdin.length}\nEND\n`, stderr: "", code: 0 }) });
    expect((await board.run(untilEnd("x".repeat(5_000_000)))).stdout).toBe("5000000\nEND\n");
  });

  it("cuts off endless output at its bound, and the connection stays usable", async () => {
    let isFirst = true;
    const answer = async (): Promise<Answer> => {
      const after = isFirst ? "endless" : "close";
      isFirst = false;
      return { stdout: "END\n", stderr: "", code: 0, after };
    };
    const { board, address } = await boardWith({ answer });
    const message = `${address} sent more than 1000000 bytes in answer to one command. The answer was thrown away and the command was cut off. ${unknownProgress}`;
    await expectError(() => board.run({ ...untilEnd(""), isComplete: () => false }), "protocol", message);
    expect((await board.run(untilEnd(""))).complete).toBe(true);
  });

  it("says that a link was lost in the middle", async () => {
    const { board, address } = await boardWith({ answer: answering({ stdout: "half", after: "cut" }) });
    const message = `The connection to ${address} was lost while a command was running there: the other side closed it. ${unknownProgress}`;
    const error = await errorOf(() => board.run(untilEnd("")));
    expect([error.kind, error.message.replace("read ECONNRESET", "the other side closed it")]).toEqual(["unreachable", message]);
    expect(board.closed).toBe(true);
    const closed = `The connection to ${address} is closed. Nothing was sent to the board. Connect again.`;
    await expectError(() => board.run(untilEnd("")), "unreachable", closed);
  });

  it("says that a command did not answer in time, and the connection stays usable", async () => {
    let isFirst = true;
    const answer = async (): Promise<Answer> => {
      const stdout = isFirst ? "" : "END\n";
      isFirst = false;
      return { stdout, stderr: "", code: 0, after: stdout === "" ? "stay open" : "close" };
    };
    const { board, address } = await boardWith({ answer });
    const message = `${address} did not answer a command within 0.3 seconds. ${unknownProgress}`;
    await expectError(() => board.run(untilEnd("", { timeoutSeconds: 0.3 })), "unreachable", message);
    expect((await board.run(untilEnd(""))).complete).toBe(true);
  });

  it("counts a link as lost whose other side gives no sign of life, and not one that is only busy", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    afterwards(() => vi.useRealTimers());
    const { board, server } = await boardWith({ answer: answering({ stdout: "", after: "stay open" }) });
    const running = errorOf(() => board.run(untilEnd("", { timeoutSeconds: 3600 })));
    await expect.poll(() => server.execs.length).toBe(1);
    for (let answered = 0; answered < 6; answered++) {
      vi.advanceTimersByTime(10_000);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(board.closed).toBe(false);
    vi.advanceTimersByTime(40_000); // all at once: no answer can arrive in between
    const error = await running;
    expect(error.message).toContain("was lost while a command was running there: it gave no sign of life for 40 s.");
  });

  it("runs eight commands at once on one connection, and the others after them", async () => {
    const { board, server } = await boardWith({ answer: answering({}), answerDelay: 50 });
    const answers = await Promise.all(Array.from({ length: 30 }, () => board.run(untilEnd(""))));
    expect(answers.every((answer) => answer.complete)).toBe(true);
    expect([server.execs.length, server.mostAtOnce]).toEqual([30, 8]);
  });

  it("makes do with a server that allows fewer sessions than usual", async () => {
    const { board, server } = await boardWith({ answer: answering({}), answerDelay: 20, maximumSessions: 2 });
    const answers = await Promise.all(Array.from({ length: 12 }, () => board.run(untilEnd(""))));
    expect(answers.every((answer) => answer.complete)).toBe(true);
    expect(server.mostAtOnce).toBeLessThanOrEqual(2);
  });

  it("says that a server lets us in and runs nothing", async () => {
    const { board, address } = await boardWith({ maximumSessions: 0 });
    const error = await errorOf(() => board.run(untilEnd("")));
    expect(error.kind).toBe("denied");
    expect(error.message).toBe(
      `${address} let us in, but runs no command for us: no reason given. Nothing was sent to the board. Check that this user has a login shell and that sshd allows sessions (MaxSessions, ForceCommand).`,
    );
  });

  it("passes on what the asker's own isComplete throws", async () => {
    const { board } = await boardWith({ answer: answering({}) });
    const request = {
      ...untilEnd(""),
      isComplete: () => {
        throw new TypeError("mine");
      },
    };
    await expect(board.run(request)).rejects.toThrow("mine");
  });
});

describe("text from the other side", () => {
  it.each([
    ["\u001b[31mred\u001b[0m", "red"],
    ["\u009b2Jgone", "gone"],
    ["\u001b]0;title\u0007text", "text"],
    ["\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\", "link"],
    ["a\u001b(Bb\u001bcc", "abc"],
    ["one\r\ntwo\tthree\u2028four", "one two three four"],
    ["a\u0000b\u0008c\u007fd\u0085e", "abcde"],
    ["\u202egnp.exe\u200b", "gnp.exe"],
    ["\u001b", ""],
    ["x".repeat(300), `${"x".repeat(200)}…`],
  ])("%j becomes %j in a message", (text, expected) => expect(plain(text)).toBe(expected));

  it("keeps the system's code when its words don't have it", () => {
    expect(reasonOf(Object.assign(new Error("connect ECONNREFUSED 1.2.3.4:22"), { code: "ECONNREFUSED" }))).toBe(
      "connect ECONNREFUSED 1.2.3.4:22",
    );
    expect(reasonOf(Object.assign(new Error(""), { code: "ECONNREFUSED" }))).toBe("ECONNREFUSED");
    expect(reasonOf(Object.assign(new Error("no"), { code: "EIO" }))).toBe("no (EIO)");
    expect(reasonOf(new Error(""))).toBe("no reason given");
    expect(reasonOf("text")).toBe("text");
  });
});

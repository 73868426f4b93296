import { describe, expect } from "vitest";
import { requestLine } from "../../provider/board/protocol";
import { applyItems } from "./requests";
import { promise, useBoard } from "./setup";
import { dash, type Shell, shells } from "./shells";

const made = useBoard();
const nonce = "0123456789abcdef";

/** A whole request that would change a device and claim it. */
function request(): { script: string; line: string } {
  const { board } = made;
  board.kernel.addDriver("pci", "e1000e");
  board.kernel.addDriver("pci", "vfio-pci");
  const device = board.kernel.addDevice({ bus: "pci", name: "0000:00:03.0", driver: "e1000e", override: null, matches: ["e1000e"] });
  const items = applyItems({ id: "cut", wishes: [{ device, driver: "vfio-pci", override: "vfio-pci", claim: "take" }] });
  return { script: board.script, line: requestLine(nonce, "apply", items) };
}

/** Sends each text, a few at a time, and holds that none did or said anything. */
async function expectNothing(shell: Shell, texts: string[]): Promise<void> {
  const left = [...texts];
  const one = async () => {
    for (let text = left.pop(); text !== undefined; text = left.pop()) {
      const answer = await made.board.start(shell, text, nonce).done;
      expect(answer.isComplete, `cut after …${JSON.stringify(text.slice(-60))}`).toBe(false);
      expect(answer.stdout).toBe("");
    }
  };
  await Promise.all([one(), one(), one()]);
  expect(made.board.kernel.writes).toEqual([]);
  expect(made.board.stateFiles()).toEqual([]);
}

const places = (length: number, step: number) => [...Array(Math.ceil(length / step)).keys()].map((place) => place * step);

describe("a request that is cut writes nothing and says nothing", () => {
  promise(
    dash,
    "in dash, at every byte of its last line but the newline",
    async () => {
      const { script, line } = request();
      await expectNothing(
        dash,
        places(line.length - 1, 1).map((at) => script + line.slice(0, at)),
      );
    },
    120,
  );

  promise(
    dash,
    "in dash, at every 97th byte of the script, and at the ends of lines",
    async () => {
      const { script } = request();
      const ends = [...script.matchAll(/\n/g)].map((match) => match.index + 1).filter((_, index) => index % 4 === 0);
      await expectNothing(
        dash,
        [...places(script.length, 97), ...ends].map((at) => script.slice(0, at)),
      );
    },
    120,
  );

  promise(
    dash,
    "in dash, after every word of the functions' names, of which some are commands",
    async () => {
      const { script } = request();
      const names = [...script.matchAll(/^(\w+)\(\)/gm)];
      const ends = names.flatMap(({ 0: name, index }) => [...name.matchAll(/_|\(/g)].map((end) => index + end.index));
      expect(ends.length).toBeGreaterThan(200);
      await expectNothing(
        dash,
        ends.map((at) => script.slice(0, at)),
      );
    },
    120,
  );

  for (const shell of shells) {
    promise(shell, `in ${shell.name}, where the name of a function begins with another one's`, async () => {
      const { script } = request();
      const names = [...script.matchAll(/^([a-z_]+)\(\) \{$/gm)].map(({ 1: name = "", index }) => ({ name, index }));
      const cuts = names.flatMap(({ name, index }) =>
        names.filter((other) => other.index < index && name.startsWith(other.name)).map((other) => index + other.name.length),
      );
      expect(cuts.length).toBeGreaterThan(20);
      await expectNothing(
        shell,
        cuts.map((at) => script.slice(0, at)),
      );
    });
  }

  for (const shell of shells.slice(1)) {
    promise(shell, `in ${shell.name}, at a sample of both`, async () => {
      const { script, line } = request();
      const cuts = [
        ...places(line.length - 1, 13).map((at) => script + line.slice(0, at)),
        ...places(script.length, 1499).map((at) => script.slice(0, at)),
      ];
      await expectNothing(shell, cuts);
    });
  }

  promise(dash, "also where bytes are missing inside, or another request's end follows", async () => {
    const { script, line } = request();
    const words = line.trimEnd().split(" ");
    const texts = words.map((_, index) => `${script}${words.filter((__, place) => place !== index).join(" ")}\n`);
    const wrong = [
      line.replace(`end-${nonce}`, "end-fedcba9876543210"),
      line.replace("devbind 1", "devbind 2"),
      line.replace(" apply ", " apply 9"),
    ];
    await expectNothing(dash, [...texts, ...wrong.map((text) => script + text)]);
  });
});

describe("a request that arrives whole", () => {
  promise(dash, "is answered, also without its last newline", async () => {
    const { script, line } = request();
    const answer = await made.board.start(dash, script + line.trimEnd(), nonce).done;
    expect(answer).toMatchObject({ isComplete: true, outcome: { is: "done" } });
  });
});

import { inventoryOf } from "../../provider/board/list";
import { observation } from "../../provider/board/observation";
import { isComplete, parseAnswer } from "../../provider/board/protocol";
import { siblingsMaximum } from "../../provider/board/siblings";
import { differencesOf, planDevice, wishOf } from "../../provider/plan/plan";
import { inventorySchema } from "../../provider/inventory";
import { bindingSchema, deviceSchema } from "../../provider/schema";
import { answers, items, lists, nonceMark } from "./answer-texts";
import { expectWorded } from "./expectations";
import { property } from "./frame";

const connection = {
  host: "board-7",
  port: 22,
  user: "root",
  password: "x",
  dialErrorLimit: 10,
  perDialTimeout: 15,
  hostKeyChecking: "strict",
} as const;
const binding = bindingSchema.parse({ connection, bus: "pci", device: "0000:00:02.0", driver: "vfio-pci" });
const nonce = "0123456789abcdef01234567";

/** Reads an answer as a look does, and plans with what it says. */
function meets(answer: string): string {
  const stdout = answer.replaceAll(nonceMark, nonce);
  isComplete(stdout, nonce);
  try {
    const seen = observation(binding.connection, items, parseAnswer(stdout, nonce, "root@board-7:22", items.length + siblingsMaximum + 2));
    if (seen.devices.length !== items.length) throw new Error("not every device was answered for");
    for (const device of seen.devices.flatMap((one) => [one, ...(one.siblings ?? [])])) {
      deviceSchema.parse(device);
      const wish = wishOf(binding, device, false);
      differencesOf(wish, device);
      planDevice(binding, wish, seen.board, device);
    }
    return "believed";
  } catch (error) {
    return expectWorded(error, "protocol", "stuck").kind === "stuck" ? "held" : "refused";
  }
}

export const ofAnswers = property({
  name: "answers: a board's answer is read, or refused in words, whatever it says under the nonce",
  share: 9_000,
  ends: ["believed", "refused", "held"],
  cases: answers,
  open: () => ({ meets }),
});

/** Reads a list as `devbind list` does. */
function meetsAsList(answer: string): string {
  try {
    inventorySchema.parse(inventoryOf(binding.connection, parseAnswer(answer.replaceAll(nonceMark, nonce), nonce, "root@board-7:22", 100)));
    return "believed";
  } catch (error) {
    return expectWorded(error, "protocol", "stuck").kind === "stuck" ? "held" : "refused";
  }
}

export const ofLists = property({
  name: "lists: a whole board as data, or refused in words, whatever the board says under the nonce",
  share: 4_000,
  ends: ["believed", "refused", "held"],
  cases: lists,
  open: () => ({ meets: meetsAsList }),
});

import fc from "fast-check";
import { requestLine } from "../../provider/board/protocol";
import { whyNoFuse } from "../script/fuse";
import type { MadeBoard } from "../script/made-board";
import { until } from "../script/processes";
import { applyItems, lookItems, type Selector } from "../script/requests";
import type { Shell } from "../script/shells";
import { property } from "./frame";
import { freshCard, openBoard, shell } from "./made-board";

const nonce = "0123456789abcdef01234567";

interface Edit {
  /** In thousandths of the line. */
  at: number;
  act: "flip" | "cut" | "insert" | "drop" | "swap" | "double";
  byte: string;
}

interface Mutated {
  shell: Shell;
  operation: "look" | "apply";
  /** Whether a selector chooses the device, which has left another place. */
  isChosen: boolean;
  edits: Edit[];
  /** Whether the line counts its items right after all. */
  isCounted: boolean;
}

/**
 * Every byte that a line can have, but `>`: a shell makes a file of whatever name follows it. The client sends safe bytes only and
 * SSH keeps them, so that what is left to go wrong is what the script itself must see.
 */
const byte = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(..."abcdefilnoprstuvwy0123456789._:@+/%,- ") },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 0, max: 255 })
      .map((code) => String.fromCharCode(code))
      .filter((one) => one !== ">"),
  },
);
const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat({ max: 999 }),
  act: fc.constantFrom("flip", "flip", "flip", "insert", "drop", "swap", "double", "cut"),
  byte,
});

function edited(line: string, { at, act, byte: other }: Edit): string {
  const place = Math.floor((line.length * at) / 1000);
  const [before, here, after] = [line.slice(0, place), line.charAt(place), line.slice(place + 1)];
  if (act === "cut") return before;
  if (act === "flip") return before + other + after;
  if (act === "insert") return before + other + here + after;
  if (act === "drop") return before + after;
  const words = line.split(" ");
  const index = Math.floor((words.length * at) / 1000);
  const [word = ""] = words.splice(index, 1);
  words.splice(act === "double" ? index : 4, 0, ...(act === "double" ? [word, word] : [word]));
  return words.join(" ");
}

function counted(line: string): string {
  const words = line.split(" ");
  return words.map((word, index) => (index === 4 ? String(words.length - 6) : word)).join(" ");
}

/** What a request that does anything must look like: CONTRIBUTING, "Protocol 1". */
const field = "[A-Za-z0-9._:@+/%-]*";
const item = new RegExp(
  `^(device(,${field}){4,11}|selector,[A-Za-z]+(,${field}){1,2}|left(,${field}){2,3}|transaction,[A-Za-z0-9-]+,${field},[1-9][0-9]{0,4},(yes|no)(,([1-9][0-9]{0,4}|-))?|after(,${field})+|id,[0-9]{1,3}(,${field})*|parameter,[0-9]{1,3}(,${field}){3}|persist,[0-9]{1,3}(,(take|drop|asked),${field})?|siblings,[0-9]{1,3},(group|slot)(,${field})*|step,[0-9]+,(module|override|new-id|remove-id|unbind|bind|probe),${field})$`,
);
function isRequest(line: string): boolean {
  const [name, version, saidNonce, operation, count, ...rest] = line.trimEnd().split(/[ \t]+/);
  const items = rest.slice(0, -1);
  const transactions = items.filter((one) => one.startsWith("transaction,")).length;
  const isFramed = name === "devbind" && version === "1" && rest.at(-1) === `end-${saidNonce}` && Number(count) === items.length;
  return isFramed && (operation !== "apply" || transactions > 0) && items.every((one) => item.test(one));
}

async function meets(board: MadeBoard, { shell: by, operation, isChosen, edits, isCounted }: Mutated): Promise<string> {
  const device = freshCard(board);
  const chosen = isChosen ? { selector: ["modalias", "pci:*", device.name] as Selector } : {};
  const wish = { device, driver: "vfio-pci", override: "vfio-pci", claim: "take" as const, ...chosen };
  const wishes = [{ bus: "pci", name: isChosen ? null : device.name, driver: "vfio-pci", along: ["slot" as const], ...chosen }];
  const left = isChosen ? [{ bus: "pci", name: "0000:00:01.0", of: 0 }] : [];
  const items =
    operation === "look"
      ? lookItems(wishes)
      : applyItems({ id: "fuzz", timeoutSeconds: 20, wishes: [wish], left, extras: [["siblings", "0", "slot"]] });
  const changed = edits.reduce(edited, requestLine(nonce, operation, items));
  const line = isCounted ? counted(changed) : changed;
  const { stdout } = await board.start(by, board.script + Buffer.from(line, "latin1").toString("utf8"), nonce).done;
  await until("the lock is free again", () => !board.stateFiles().some((name) => /^(lock|broke|new|asked)\b/.test(name)));
  const hasWritten = board.kernel.writes.length > 0 || board.stateFiles().length > 0;
  if (stdout === `${nonce} problem word=operation\n${nonce} end 1\n` && !hasWritten) return "nothing done";
  const isAnswered = stdout !== "";
  // A line feed that came between may leave a whole request on a line of its own.
  // Of bytes that a shell reads as its own it may make a request again: it drops NUL and backslashes.
  const isSafe = /^[A-Za-z0-9._:@+/%, \n-]*$/.test(line);
  if (isAnswered && isSafe && !line.split("\n").some(isRequest)) throw new Error(`a request that is none was answered: ${stdout}`);
  if (hasWritten && !isAnswered)
    throw new Error(`it wrote and said nothing: ${board.kernel.writes.map(({ path }) => path)} ${board.stateFiles()}`);
  if (hasWritten && !/ apply /.test(line)) throw new Error("what is no apply wrote");
  if (!isAnswered) return "nothing done";
  return hasWritten ? "answered and written" : "answered";
}

export const ofScript = property<Mutated>({
  name: "devbind.sh: a request line that was changed anywhere does nothing, or is a request and is answered",
  share: 200,
  ends: ["nothing done", "answered", "answered and written"],
  cases: fc.record({
    shell,
    operation: fc.constantFrom("look", "apply", "apply"),
    isChosen: fc.boolean(),
    edits: fc.array(edit, { maxLength: 2 }),
    isCounted: fc.boolean(),
  }),
  open: () => openBoard(meets),
  missing: whyNoFuse(),
});

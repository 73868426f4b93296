import fc from "fast-check";
import { encode } from "../../provider/board/protocol";
import type { LookItem } from "../../provider/transaction";
import { hostileText, shortText } from "./hostile";

/** What stands for the nonce of the request. */
export const nonceMark = "@NONCE@";
/** What stands for the id of the transaction that was asked for. */
export const idMark = "@ID@";

/** What was looked at in every case. */
export const items: LookItem[] = [
  { bus: "pci", device: "0000:00:02.0", driver: "vfio-pci", module: "vfio-pci", takesAlong: ["group", "slot"] },
  { bus: "platform", device: "12ce0000.i2c", driver: null, module: null },
  {
    bus: "pci",
    device: { key: "pciId", value: "8086:10d3" },
    known: "0000:00:03.0",
    driver: "stub",
    module: "stub",
    asksId: true,
    parameters: [],
  },
];

type Pair = [key: string, value: string];
interface Line {
  word: string;
  pairs: Pair[];
}

const pairs = (text: string): Pair[] =>
  text.split(" ").map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]);
const linesOf = (texts: string[]): Line[] =>
  texts.map((text) => ({ word: text.split(" ")[0] ?? "", pairs: pairs(text.slice(text.indexOf(" ") + 1)) }));

/** A right answer to a look or an apply at those two, as devbind.sh gives it. */
const right = linesOf([
  "board protocol=1 boot=0f0e condition=quiet uid=0 machine=b08d uuid=- kernel=6.1.0 host=board-7 serial=- state=/run/devbind writable=yes lasts=yes unit=wrong",
  "device index=0 present=yes bus=yes driver=e1000e unbindable=yes path=/devices/pci journal=- override=- modalias=pci:v1 compatible=- group=3 members=a;b,c;- node=- dependents=- holders=qemu/412 registered=yes bindable=yes loadable=- similar=- guard=- claimant=lab claimDriver=e1000e claimOverride=- claimTransaction=1 kept=right keptBy=lab keptDriver=vfio-pci keptOverride=-any coOwners=/etc/driverctl.d/a",
  "device index=1 present=no bus=yes similar=12ce0001.i2c,b claimant=lab",
  "device index=2 name=0000:00:03.0 present=yes bus=yes driver=- unbindable=no path=/devices/pci journal=interrupted override=-unsupported modalias=pci:v1 compatible=a,b group=- members=- node=- dependents=- holders=- registered=yes bindable=yes loadable=- similar=- lack=- takesIds=both matches=no id=1234%2011e8 alike=a;b,c;- parameters=vfio;a;wrong;N,-;b;none;- iommu=yes noiommu=- reset=- resets=- guard=- claimant=lab claimDriver=- claimOverride=- claimTransaction=1 claimInterface=eth0 claimIds=stub",
  "sibling of=0 bus=pci name=0000:00:02.1 present=yes driver=snd unbindable=yes path=/devices/pci journal=- override=- modalias=pci:v1 compatible=- group=3 members=a;b,c;- node=- dependents=- holders=- registered=yes bindable=yes loadable=- similar=- guard=- claimant=- claimDriver=- claimOverride=- claimTransaction=- kept=- coOwners=-",
  `outcome is=undone of=${idMark} problem=write step=1 word=bind device=0 kernel=No%20such%20device left=- undoing=- path=- holder=- after=-`,
]);
/** A right list of a board. */
const rightList = linesOf([
  "board protocol=1 boot=0f0e condition=quiet uid=0 machine=b08d uuid=- kernel=6.1.0 host=board-7 serial=- state=/run/devbind writable=yes",
  "listed bus=pci name=0000:00:02.0 path=/devices/pci driver=e1000e override=- modalias=pci:v1 pci=8086:10d3:1:2 group=3 cards=eth0,eth1 guard=the%20card claimant=lab kept=yes",
  "listed bus=platform name=12ce0000.i2c path=/devices/platform/a compatible=a,b node=/soc/i2c override=-unknown",
  "claim is=claim bus=pci device=0000:00:02.0 present=yes claimant=lab driver=e1000e override=- transaction=1 kept=no",
  "journal transaction=1 claimant=lab is=stuck devices=pci;0000:00:02.0,usb;1-1",
]);
const rightOutcomes = ["done", "undone", "stuck", "moved", "busy", "refused", "running", "unconfirmed", "interrupted", "unknown"];
const problems = [
  "write",
  "module",
  "missing",
  "readback",
  "left",
  "vanished",
  "late",
  "killed",
  "held",
  "after",
  "unconfirmed",
  "session",
  "state",
  "persist",
  "journal",
  "-",
];

interface Edit {
  line: number;
  field: number;
  act: "value" | "key" | "drop" | "double" | "drop line" | "double line" | "move line";
  text: string;
}

const value = fc.oneof(
  fc.constantFrom(
    "-",
    "",
    "yes",
    "no",
    "stuck",
    "running",
    "-unsupported",
    "-any",
    "1",
    "-1",
    "%",
    "%41",
    "a,b,c",
    "a;b,c",
    ";,;",
    "=".repeat(9),
  ),
  hostileText.map(encode),
  hostileText,
);
const edit: fc.Arbitrary<Edit> = fc.record({
  line: fc.nat({ max: 20 }),
  field: fc.nat({ max: 40 }),
  act: fc.constantFrom("value", "value", "value", "value", "key", "drop", "double", "drop line", "double line", "move line"),
  text: value,
});

function edited(lines: Line[], { line, field, act, text }: Edit): Line[] {
  const place = line % Math.max(1, lines.length);
  const one = lines[place];
  if (one === undefined) return lines;
  if (act === "drop line") return lines.filter((_, index) => index !== place);
  if (act === "double line") return [...lines, one];
  if (act === "move line") return [...lines.filter((_, index) => index !== place), one];
  const at = field % Math.max(1, one.pairs.length);
  const changed = one.pairs.flatMap(([key, old], index): Pair[] => {
    if (index !== at) return [[key, old]];
    if (act === "drop") return [];
    if (act === "double")
      return [
        [key, old],
        [key, text],
      ];
    return act === "key" ? [[text, old]] : [[key, text]];
  });
  return lines.map((other) => (other === one ? { ...one, pairs: changed } : other));
}

const words = shortText.map(encode);

/** What lies around an answer's lines, and how they end. */
const surroundings = fc.record({
  outcome: fc.record(
    {
      is: fc.constantFrom(...rightOutcomes),
      problem: fc.constantFrom(...problems),
      kernel: words,
      left: words,
      after: words,
      holder: words,
    },
    { requiredKeys: ["is", "problem"] },
  ),
  edits: fc.oneof(fc.constant<Edit[]>([]), fc.array(edit, { minLength: 1, maxLength: 3 })),
  noise: fc.array(fc.record({ at: fc.nat({ max: 6 }), text: hostileText }), { maxLength: 2 }),
  ending: fc.oneof(
    { weight: 8, arbitrary: fc.constant("right") },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "end 0",
        "end 99",
        "end -1",
        "end",
        "end x",
        "held -",
        "held %",
        "held /devices/a%0Ab%1B[2J",
        "held a b",
        "",
      ),
    },
    { weight: 1, arbitrary: hostileText },
  ),
  newline: fc.constantFrom(...Array<string>(8).fill("\n"), "\r\n", "\r"),
  /** In thousandths; most answers are whole. */
  cutAt: fc.oneof({ weight: 8, arbitrary: fc.constant(1000) }, { weight: 1, arbitrary: fc.nat({ max: 999 }) }),
});

/** Answers of a board that is wrong, broken or means harm: a right one with changes, under the right nonce. */
const answersAround = (right: Line[]): fc.Arbitrary<string> =>
  surroundings.map(({ outcome, edits, noise, ending, newline, cutAt }) => {
    const changed = new Map(Object.entries(outcome));
    const said = right.map((line) =>
      line.word === "outcome" ? { ...line, pairs: line.pairs.map(([key, old]): Pair => [key, changed.get(key) ?? old]) } : line,
    );
    const lines = edits
      .reduce(edited, said)
      .map(({ word, pairs: all }) => [nonceMark, word, ...all.map(([key, text]) => `${key}=${text}`)].join(" "));
    const spoken = [...lines, `${nonceMark} ${ending === "right" ? `end ${lines.length}` : ending}`];
    for (const { at, text } of noise) spoken.splice(at, 0, text);
    const whole = spoken.join(newline) + newline;
    return whole.slice(0, Math.ceil((whole.length * cutAt) / 1000));
  });

export const answers: fc.Arbitrary<string> = answersAround(right);
/** The same after a transaction, which asks for no siblings. */
export const applyAnswers: fc.Arbitrary<string> = answersAround(right.filter(({ word }) => word !== "sibling"));
/** The same, where a whole board was listed. */
export const lists: fc.Arbitrary<string> = answersAround(rightList);

import { decode } from "../../provider/board/protocol";

/** The fields of one line, still encoded. */
export type Fields = Record<string, string>;

/** What a script said before it ended. */
export interface Answer {
  stdout: string;
  stderr: string;
  code: number | null;
  /** Whether the last line is there and counts the lines before it. */
  isComplete: boolean;
  /** The path that the kernel holds, where the answer ended so. */
  held: string | null;
  board: Fields;
  devices: Fields[];
  /** Those that are taken along with a device. */
  siblings: Fields[];
  /** The outcome's fields but one; empty where there is none. */
  outcome: Fields;
  /** That one: the transaction that it is of. */
  transaction: string | undefined;
}

/** Takes the lines under the nonce apart; a key said twice in a line is an error. */
export function readAnswer(nonce: string, stdout: string, stderr: string, code: number | null): Answer {
  const lines = stdout
    .split("\n")
    .filter((line) => line.startsWith(`${nonce} `))
    .map((line) => line.slice(nonce.length + 1));
  const end = lines.findIndex((line) => line.startsWith("end "));
  const held = lines.find((line) => line.startsWith("held "))?.slice(5);
  const all = (word: string) => lines.filter((line) => line.startsWith(`${word} `)).map(fieldsOf);
  const { of: transaction, ...outcome } = all("outcome")[0] ?? {};
  return {
    stdout,
    stderr,
    code,
    isComplete: end >= 0 && lines[end] === `end ${end}` && end === lines.length - 1,
    held: held === undefined ? null : decode(held),
    board: all("board")[0] ?? {},
    devices: all("device"),
    siblings: all("sibling"),
    outcome,
    transaction,
  };
}

function fieldsOf(line: string): Fields {
  const fields: Fields = {};
  for (const pair of line.split(" ").slice(1)) {
    const at = pair.indexOf("=");
    const key = pair.slice(0, at);
    if (at < 1 || key in fields) throw new Error(`a line of the answer is no list of keys and values: ${line}`);
    fields[key] = pair.slice(at + 1);
  }
  return fields;
}

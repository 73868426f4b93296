import fc from "fast-check";
import { RootShell } from "../../provider/ssh/become";
import { expectNoSecret, expectWorded, hush } from "./expectations";
import { property } from "./frame";
import { shortText } from "./hostile";

/** What a board says where it was asked to become root; it may know every word that we say. */
interface Talk {
  by: "sudo" | "doas" | "su";
  password: string | undefined;
  /** What it says more and more of, on which stream. */
  said: { text: string; isError: boolean }[];
  exitCode: number | undefined;
}

const nonces = ["@0@", "@1@", "@2@"];
/** What stands for the password, sent back. */
const echo = "@3@";
const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...nonces, ...nonces.map((nonce) => `${nonce}\n`), ...nonces.map((nonce) => `\n${nonce}\r\n`)) },
  { weight: 1, arbitrary: fc.constantFrom("Password: ", "sorry, a password is required\n", "\n", `${echo}\n`) },
  { weight: 1, arbitrary: shortText },
);
const talks: fc.Arbitrary<Talk> = fc.record({
  by: fc.constantFrom("sudo", "doas", "su"),
  password: fc.constantFrom(`${hush}pw`, undefined),
  said: fc.array(fc.record({ text: piece, isError: fc.boolean() }), { maxLength: 8 }),
  exitCode: fc.constantFrom(0, 1, 127, undefined),
});

function meets({ by, password, said, exitCode }: Talk): string {
  const shell = new RootShell({ by, password }, { address: "lab@board-7:22", property: "connection" });
  expectNoSecret(shell.command, "the command");
  const known = [...new Set(shell.command.match(/devbind-[0-9a-f]+/g))];
  const spoken = [known[0], known[1], known[2], password];
  const heard = { stdout: "", stderr: "" };
  const sent: string[] = [];
  try {
    for (const { text, isError } of said) {
      heard[isError ? "stderr" : "stdout"] += [...nonces, echo].reduce(
        (whole, mark, index) => whole.replaceAll(mark, spoken[index] ?? ""),
        text,
      );
      const answer = shell.hear(heard.stdout, heard.stderr);
      if (answer === undefined) continue;
      sent.push(answer.send);
      if (sent.filter((one) => one === `${password}\n`).length > 1) throw new Error("the password was sent twice");
      if (answer.isOpen && answer.send.includes(hush)) throw new Error("a password was sent to an open shell");
      if (answer.isOpen && !known.some((nonce) => heard.stdout.includes(nonce))) throw new Error("a shell was taken for open");
      if (answer.isOpen) return "open";
    }
    throw shell.failure(heard.stderr, { exitCode });
  } catch (error) {
    expectNoSecret(expectWorded(error, "denied").message, "an error");
    return sent.length > 0 ? "refused after the password" : "refused";
  }
}

/** sudo, doas and su on a board that says what it likes. */
export const ofBecome = property({
  name: "connection.become: whatever is said, the password goes out once and to a prompt, and is in no message",
  share: 3_000,
  ends: ["open", "refused", "refused after the password"],
  cases: talks,
  open: () => ({ meets }),
});

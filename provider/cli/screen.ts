import pc from "picocolors";
import { plain } from "../errors";

/** A stream to write to: a terminal, a pipe, or a test's own. */
export interface Stream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export type Colours = ReturnType<typeof pc.createColors>;
type Environment = Record<string, string | undefined>;

/** NO_COLOR goes before FORCE_COLOR, and both before what the stream is. */
export function hasColours(stream: Stream, env: Environment): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false";
  return stream.isTTY === true && env.TERM !== "dumb";
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMilliseconds = 120;

/** All that the command prints: answers to the one stream, progress and complaints to the other. */
export class Screen {
  readonly paint: Colours;
  private readonly paintError: Colours;
  private readonly moves: boolean;
  private words: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private ticks = 0;

  constructor(
    private readonly out: Stream,
    private readonly err: Stream,
    env: Environment,
  ) {
    this.paint = pc.createColors(hasColours(out, env));
    this.paintError = pc.createColors(hasColours(err, env));
    this.moves = err.isTTY === true && env.TERM !== "dumb";
  }

  /** How wide a line may be; undefined in a pipe, where nothing is cut. */
  get width(): number | undefined {
    return this.out.isTTY ? Math.max(20, this.out.columns ?? 80) : undefined;
  }

  /** A line of the answer. */
  line(text = ""): void {
    this.clear();
    this.out.write(`${harmless(text)}\n`);
  }

  /** A text of the answer as it is: JSON, a lab file. */
  text(text: string): void {
    this.clear();
    this.out.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  /** A complaint, beside the answer. */
  complain(text: string): void {
    this.clear();
    this.err.write(`${this.paintError.red("devbind:")} ${plain(text)}\n`);
  }

  /** A note beside the answer, for a person. */
  note(text: string): void {
    this.clear();
    this.err.write(`${this.paintError.dim(plain(text))}\n`);
  }

  /** What is being done just now: one line that moves on a terminal, nothing elsewhere. */
  progress(words: string): void {
    if (!this.moves) return;
    this.words = plain(words);
    this.timer ??= setInterval(() => this.tick(), frameMilliseconds).unref();
    this.tick();
  }

  /** Nothing is being done any more. */
  quiet(): void {
    this.clear();
    clearInterval(this.timer);
    this.timer = undefined;
    this.words = undefined;
  }

  private tick(): void {
    if (this.words === undefined) return;
    this.ticks += 1;
    const room = Math.max(20, (this.err.columns ?? 80) - 4);
    this.err.write(`\r\u001b[K${frames[this.ticks % frames.length]} ${this.paintError.dim(this.words.slice(0, room))}`);
  }

  private clear(): void {
    if (this.words !== undefined) this.err.write("\r\u001b[K");
  }
}

/** What a board sent can be in any line: all that a terminal would obey goes, but for the colours that `paint` uses. */
const harmless = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  text.replace(/(\u001b\[(?:1|2|22|3[1-6]|39)m)|[\p{C}\p{Zl}\p{Zp}]/gu, (_, colour: string | undefined) => colour ?? " ");

/** JSON for programs, of which nothing can reach a terminal as more than text: control and format characters are escaped. */
export function jsonText(value: unknown): string {
  const escaped = (letter: string) =>
    [...Array(letter.length).keys()].map((at) => `\\u${letter.charCodeAt(at).toString(16).padStart(4, "0")}`).join("");
  return JSON.stringify(value, null, 2).replace(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu, escaped);
}

/** "1 device", "2 devices". */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Where the demo speaks to: a terminal with colours and a running clock, or plain lines. */
export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMilliseconds = 120;
const sayAgainSeconds = 10;
const rightEdge = 78;
const nameWidth = 20;

/** All that the demo prints goes through here; nothing else writes to the terminal while a step runs. */
export class Screen {
  private readonly hasColours: boolean;
  private isLastBlank = true;

  constructor(private readonly output: Output = process.stdout) {
    this.hasColours = output.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
  }

  /** The text in a style, where there are colours. */
  paint(style: Style, text: string): string {
    return this.hasColours ? styleText(style, text, { validateStream: false }) : text;
  }

  line(text = ""): void {
    if (text === "" && this.isLastBlank) return;
    this.isLastBlank = text === "";
    this.output.write(`${text}\n`);
  }

  /** The heading of an act, after a blank line. */
  heading(number: number, title: string): void {
    this.line();
    this.line(`${this.paint(["bold", "cyan"], String(number))}  ${this.paint("bold", title)}`);
  }

  /** A sentence of the story. */
  tell(text: string): void {
    this.line(`   ${text}`);
  }

  /** Words of somebody else: Pulumi, the kernel, a shell. */
  quote(lines: readonly string[]): void {
    for (const line of lines) this.line(`   ${this.paint("dim", "│")} ${this.signed(line)}`);
  }

  /** A line that begins with Pulumi's sign for what happens, in the sign's colour. */
  private signed(line: string): string {
    const sign = /^\s*([+~-])\s/.exec(line)?.[1];
    const style = sign === "+" ? "green" : sign === "~" ? "yellow" : "red";
    return sign === undefined ? line : this.paint(style, line);
  }

  /**
   * Runs a step under a clock: on a terminal one line that moves, elsewhere a line at its start and one every ten seconds. `say`
   * tells what is being done just now. Ends with the step's name, what it returned as a word, and its seconds.
   */
  async step<Result>(name: string, work: (say: (text: string) => void) => Promise<Result>, wordOf: (result: Result) => string = () => "") {
    const clock = new Clock(this.output, (text) => this.paint("dim", text), name);
    try {
      const result = await work((text) => clock.say(text));
      this.done(name, wordOf(result), clock.stop());
      return result;
    } catch (error) {
      clock.stop();
      throw error;
    }
  }

  private done(name: string, word: string, seconds: string): void {
    const named = word === "" ? name : name.padEnd(nameWidth);
    const gap = " ".repeat(Math.max(2, rightEdge - named.length - word.length - seconds.length - 3));
    this.line(`   ${named}${this.paint("dim", `${word}${gap}${seconds}`)}`);
  }
}

/** The sign of life of one step. */
class Clock {
  private readonly started = Date.now();
  private readonly timer: NodeJS.Timeout;
  private word = "";
  private ticks = 0;

  constructor(
    private readonly output: Output,
    private readonly dim: (text: string) => string,
    private readonly name: string,
  ) {
    this.timer = setInterval(() => this.tick(), output.isTTY ? frameMilliseconds : sayAgainSeconds * 1000);
    if (output.isTTY) this.tick();
    else output.write(`   ${name} ...\n`);
  }

  say(text: string): void {
    this.word = text.trim();
  }

  stop(): string {
    clearInterval(this.timer);
    if (this.output.isTTY) this.output.write("\r\x1b[K");
    return `${((Date.now() - this.started) / 1000).toFixed(1)} s`;
  }

  private tick(): void {
    const seconds = `${Math.floor((Date.now() - this.started) / 1000)} s`;
    const parts = [this.name, seconds, this.word].filter((part) => part !== "").join("  ");
    if (!this.output.isTTY) {
      this.output.write(`   ... ${parts}\n`);
      return;
    }
    this.ticks += 1;
    const room = Math.max(20, (this.output.columns ?? 80) - 4);
    this.output.write(`\r\x1b[K ${frames[this.ticks % frames.length]} ${this.dim(parts.slice(0, room))}`);
  }
}

import { StringDecoder } from "node:string_decoder";
import type { ClientChannel } from "ssh2";
import type { End, RootShell } from "./become";
import type { Ration } from "./ration";
import type { Target } from "./target";
import * as words from "./words";

export interface RunRequest {
  /** The script, for the stdin of `sh -s`; then the write side is ended. */
  input: string;
  /** Asked with all of the script's stdout so far; the run ends as soon as it says true (the end marker came), not when the channel closes. */
  isComplete(stdout: string): boolean;
  /** Of stdout and stderr together; more ends the run with a DevbindError "protocol". */
  maximumBytes: number;
  /** From the request to isComplete. */
  timeoutSeconds: number;
}

export interface RunAnswer {
  stdout: string;
  /** The last 4 KiB. */
  stderr: string;
  /** False when the channel closed before isComplete said true. */
  complete: boolean;
  /** Undefined when the command is still running, was killed by a signal, or the server didn't say. */
  exitCode: number | undefined;
}

const stderrBytes = 4096;
/** What may still come after a command was cut off: two windows of `ssh2`'s (2 MiB), one on its way and one just granted. */
const droppedBytes = 4 * 1024 * 1024;
/** What greetings and prompts may come to before the script is sent. */
const openingBytes = 65536;
/** Below this, isComplete is asked at every chunk; above, only after a 64th more, or when 10 ms brought nothing else. */
const alwaysAskBytes = 65536;

/**
 * What the SSH server starts, through the user's login shell. It does nothing without its input: when a server closes the channel
 * before it says that it took the command, it is asked again.
 */
export const shellCommand = "exec sh -s";

/** One script on an open channel, from its input to its answer. */
export class Run {
  private readonly decoder = new StringDecoder("utf8");
  private stdout = "";
  private stderr = Buffer.alloc(0);
  private bytes = 0;
  private unasked = 0;
  private exitCode: number | undefined;
  private isSettled = false;
  private isClosed = false;
  private whenClosed = () => {};
  private askTimer: NodeJS.Timeout | undefined;
  private resolve: (answer: RunAnswer) => void = () => {};
  private reject: (error: Error) => void = () => {};

  constructor(
    private readonly channel: ClientChannel,
    private readonly request: RunRequest,
    private readonly target: Target,
    private readonly ration: Ration,
    /** What has to be said before the script; undefined: nothing, or nothing more. */
    private opening?: RootShell,
  ) {}

  /** Sends the script and waits for the answer. Afterwards the channel is closed from our side, whatever still runs behind it. */
  answer(): Promise<RunAnswer> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.channel
        .on("data", (chunk: Buffer) => this.gotStdout(chunk))
        .on("exit", (code: number | null) => {
          this.exitCode = code ?? undefined;
        })
        .on("error", () => {}) // writing to a command that has ended; what matters is what it answered
        .on("close", () => this.closed());
      this.channel.stderr.on("data", (chunk: Buffer) => this.gotStderr(chunk));
      if (this.opening === undefined) this.channel.end(this.request.input);
    });
  }

  /** Ends the run with an error: the connection was lost, or the time is over. */
  fail(error: Error): void {
    this.settle(() => this.reject(error));
  }

  /** Calls back once, when the other side has closed the channel too. */
  onClosed(callback: () => void): void {
    if (this.isClosed) callback();
    else this.whenClosed = callback;
  }

  private closed(): void {
    this.isClosed = true;
    this.ask(true);
    this.whenClosed();
  }

  private gotStdout(chunk: Buffer): void {
    if (!this.hasRoomFor(chunk)) return;
    this.stdout += this.decoder.write(chunk);
    this.unasked += chunk.length;
    if (this.stdout.length < alwaysAskBytes || this.unasked * 64 >= this.stdout.length) this.ask(false);
    else this.askTimer ??= setTimeout(() => this.ask(false), 10);
  }

  private gotStderr(chunk: Buffer): void {
    if (!this.hasRoomFor(chunk)) return;
    this.stderr = Buffer.concat([this.stderr, chunk]).subarray(-stderrBytes);
    if (this.opening !== undefined) this.open(this.opening);
  }

  /** The time is over: what says why, where the script was never sent. */
  late(): Error | undefined {
    return this.opening && this.notOpened(this.opening, { isLate: true });
  }

  private notOpened(opening: RootShell, end: End): Error {
    return opening.failure(this.stderr.toString("utf8"), end);
  }

  /** Goes on with what has to be said before the script, as far as the other side has come. */
  private open(opening: RootShell): void {
    try {
      const answer = opening.hear(this.stdout, this.stderr.toString("utf8"));
      if (answer === undefined) return;
      if (!answer.isOpen) {
        this.channel.write(answer.send);
        return;
      }
      this.opening = undefined;
      this.stdout = "";
      this.stderr = Buffer.alloc(0);
      this.channel.end(answer.send + this.request.input);
    } catch (error) {
      this.fail(asError(error));
    }
  }

  private hasRoomFor(chunk: Buffer): boolean {
    this.bytes += chunk.length;
    if (this.bytes <= this.request.maximumBytes + droppedBytes) this.ration.earn(chunk.length);
    if (this.isSettled) return false;
    const most = this.opening === undefined ? this.request.maximumBytes : Math.min(openingBytes, this.request.maximumBytes);
    if (this.bytes <= most) return true;
    this.fail(words.tooMuch(this.target, most));
    return false;
  }

  private ask(isLast: boolean): void {
    if (this.isSettled) return;
    clearTimeout(this.askTimer);
    this.askTimer = undefined;
    this.unasked = 0;
    if (isLast) this.stdout += this.decoder.end();
    if (this.opening !== undefined) this.open(this.opening);
    if (this.opening !== undefined) {
      if (isLast) this.fail(this.notOpened(this.opening, { exitCode: this.exitCode }));
      return;
    }
    let complete = false;
    try {
      complete = this.request.isComplete(this.stdout);
    } catch (error) {
      this.fail(asError(error));
    }
    if (!complete && !isLast) return;
    if (complete) this.ration.refill();
    const { stdout, exitCode } = this;
    this.settle(() => this.resolve({ stdout, stderr: this.stderr.toString("utf8"), complete, exitCode }));
  }

  private settle(tell: () => void): void {
    if (this.isSettled) return;
    this.isSettled = true;
    clearTimeout(this.askTimer);
    this.channel.close();
    tell();
    this.stdout = ""; // the listeners stay, so that what still comes is read and dropped until the other side closes too
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

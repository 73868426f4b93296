import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, ClientChannel } from "ssh2";
import { type Become, RootShell } from "./become";
import type { Forwarder } from "./dial";
import { Line } from "./line";
import { reasonOf } from "./plain";
import { linkBytes, Ration } from "./ration";
import { Run, type RunAnswer, type RunRequest, shellCommand } from "./run";
import { SignOfLife } from "./sign-of-life";
import type { Target } from "./target";
import * as words from "./words";

/** sshd's MaxSessions is 10 by default, and a session's slot is free only some time after its channel. */
const maximumChannels = 8;
/** How long a place in line waits for the other side to close the channel too. */
const closingMilliseconds = 1000;
/** What setTimeout can count; more would fire at once. */
const longestTimer = 2 ** 31 - 1;
const closedEarlyMaximum = 5;
const firstPauseMilliseconds = 10;

/** A logged-in connection. While a command runs, the other side is asked for signs of life. */
export class Link implements Forwarder {
  private readonly line = new Line(maximumChannels);
  private readonly runs = new Set<(error: Error) => void>();
  private readonly whenClosed: (() => void)[] = [];
  private isClosed = false;
  readonly ration: Ration;
  private reason = "the other side closed it";
  private readonly life = new SignOfLife(
    (answered) => this.ask(answered),
    (reason) => this.drop(words.lostWhileRunning(this.target, reason)),
  );

  /** `socket` is the TCP socket under it, which for a connection through a jump host is the one to the jump host, `via`. */
  constructor(
    private readonly client: Client,
    private readonly stream: Duplex,
    readonly socket: Socket,
    private readonly target: Target,
    private readonly via?: Link,
    private readonly become?: Become,
  ) {
    client
      .on("error", (error) => {
        this.reason = reasonOf(error);
        this.drop(); // the other side may keep its end open for ever
      })
      .on("end", () => this.drop())
      .on("close", () => this.drop());
    if (stream.destroyed) this.drop();
    this.ration = new Ration(stream, linkBytes, (bytes) => this.flooded(bytes), via?.ration);
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /** Runs one script; see RunRequest. More than eight at once wait in line; the time counts from the end of that wait. */
  async run(request: RunRequest): Promise<RunAnswer> {
    for (let attempt = 1; ; attempt++) {
      const leave = await this.line.place();
      let run: Run | undefined;
      try {
        const answer = await this.runNow(request, attempt, (started) => {
          run = started;
        });
        if (answer !== "again") return answer;
        await sleep(firstPauseMilliseconds * 2 ** attempt);
      } finally {
        if (run === undefined || this.isClosed) leave();
        else leaveWhenClosed(run, leave);
      }
    }
  }

  /** A stream from the machine at the other end to a third one. Rejects with ssh2's own error. */
  forward(host: string, port: number): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      this.client.forwardOut("127.0.0.1", 0, host, port, (error, stream) => {
        if (error === undefined || error === null) resolve(stream);
        else reject(error);
      });
    });
  }

  /** Calls back once, when the connection is closed by whomever. */
  onClosed(callback: () => void): void {
    if (this.isClosed) callback();
    else this.whenClosed.push(callback);
  }

  /** Whether this connection keeps the process alive. */
  hold(isHeld: boolean): void {
    if (isHeld) this.socket.ref();
    else this.socket.unref();
  }

  /** Says goodbye and closes; runs that are still going on end with "lost". */
  end(): void {
    this.drop(words.lostWhileRunning(this.target, "it was closed on this side"));
  }

  private runNow(request: RunRequest, attempt: number, started: (run: Run) => void): Promise<RunAnswer | "again"> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) return reject(words.closedBefore(this.target));
      let run: Run | undefined;
      const late = () => fail(run?.late() ?? words.notInTime(this.target, request.timeoutSeconds));
      const timer = setTimeout(late, Math.min(request.timeoutSeconds * 1000, longestTimer));
      const done = () => {
        clearTimeout(timer);
        this.runs.delete(fail);
        this.life.watch(this.runs.size > 0);
      };
      const fail = (error: Error) => {
        done();
        run?.fail(error);
        reject(error);
      };
      this.runs.add(fail);
      this.life.watch(true);
      const opening = this.become && new RootShell(this.become, this.target);
      this.openSession(opening?.command ?? shellCommand, (error, channel) => {
        if (!this.runs.has(fail)) return channel && discard(channel);
        if (channel === undefined) {
          done();
          if (error !== undefined && this.isWorthAnother(error, attempt)) resolve("again");
          else reject(words.noSession(this.target, reasonOf(error)));
          return;
        }
        run = new Run(channel, request, this.target, this.ration, opening);
        started(run);
        run.answer().then(resolve, reject).finally(done);
      });
    });
  }

  private openSession(command: string, opened: (error: Error | undefined, channel: ClientChannel | undefined) => void): void {
    try {
      this.client.exec(command, opened);
    } catch {
      this.drop(); // `ssh2` throws when the socket is no longer writable, which it may know before it says so
    }
  }

  /**
   * Whether a command that wasn't taken may be asked for again. A channel that isn't opened (its error has a reason): with others at
   * once, the server allows fewer (MaxSessions), so fewer from now on; alone, there is nothing to wait for. A channel that closes
   * before the command is taken: dropbear 2022.83 does so now and then, when a slot was just free; nothing of the input was sent.
   */
  private isWorthAnother(error: Error, attempt: number): boolean {
    if (!("reason" in error)) return attempt < closedEarlyMaximum;
    if (this.line.holders < 2) return false;
    this.line.narrow(this.line.holders - 1);
    return true;
  }

  /** A request that changes nothing and that every server answers, if only with "no" (RFC 4254 section 7.1). */
  private ask(answered: () => void): void {
    try {
      this.client.unforwardIn("keepalive.invalid", 1, answered);
    } catch {
      this.drop(); // as with exec
    }
  }

  private flooded(bytes: number): void {
    this.drop(words.flooded(this.target, bytes, true));
    this.stream.destroy();
  }

  private drop(error = words.lostWhileRunning(this.target, this.reason)): void {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const fail of [...this.runs]) fail(error);
    this.client.end();
    this.via?.end();
    setTimeout(() => this.stream.destroy(), closingMilliseconds).unref();
    for (const callback of this.whenClosed.splice(0)) callback();
  }
}

/** A channel that opened after its time: what it brings is read and dropped. */
function discard(channel: ClientChannel): void {
  channel.resume();
  channel.stderr.resume();
  channel.close();
}

/** A session's place is free when the other side has closed the channel too; one that doesn't in time is not waited for. */
function leaveWhenClosed(run: Run, leave: () => void): void {
  const timer = setTimeout(leave, closingMilliseconds).unref();
  run.onClosed(() => {
    clearTimeout(timer);
    leave();
  });
}

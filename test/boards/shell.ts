import { join } from "node:path";
import { hostAlias, type Keys } from "./keys";
import { runToEnd } from "./run";

const defaultTimeoutSeconds = 60;

/** The test's own way onto a board: the system's ssh, one connection for all commands. */
export class Shell {
  private readonly options: string[];

  constructor(folder: string, port: number, keys: Keys) {
    const settings = {
      ControlPath: join(folder, "ssh"),
      ControlMaster: "auto",
      ControlPersist: "yes",
      UserKnownHostsFile: keys.knownHostsPath,
      HostKeyAlias: hostAlias,
      GlobalKnownHostsFile: "/dev/null",
      StrictHostKeyChecking: "yes",
      IdentitiesOnly: "yes",
      IdentityFile: keys.userPrivateKeyPath,
      BatchMode: "yes",
      ConnectTimeout: "20",
      ServerAliveInterval: "5",
      LogLevel: "ERROR",
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    this.options = ["-F", "none", ...options, "-p", `${port}`, "root@127.0.0.1"];
  }

  /** Runs a command as root and returns what it printed, trimmed. Refuses another exit code than 0, and silence beyond the limit. */
  async run(command: string, timeoutSeconds = defaultTimeoutSeconds): Promise<string> {
    let ended = await this.once(command, timeoutSeconds);
    // dropbear now and then closes a fresh channel before it takes the command; then ssh ends with 255 and no word, and nothing ran.
    if (ended.exitCode === 255 && ended.stderr.trim() === "" && !ended.timedOut) ended = await this.once(command, timeoutSeconds);
    if (ended.exitCode === 0) return ended.stdout.trim();
    const why = ended.timedOut ? `gave no answer within ${timeoutSeconds} s` : `ended with exit code ${ended.exitCode}`;
    throw new Error(`on the board, "${command}" ${why}: ${ended.stderr.trim() || "nothing on stderr"}`);
  }

  private once(command: string, timeoutSeconds: number) {
    return runToEnd("ssh", [...this.options, command], { timeoutSeconds });
  }

  /** Gives up the shared connection, as it must be when the board goes away. */
  async disconnect(): Promise<void> {
    await runToEnd("ssh", ["-O", "exit", ...this.options], { timeoutSeconds: 5 });
  }
}

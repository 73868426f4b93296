import type { Answer } from "../ssh/server";

/** What a scripted board remembers of a device, in the words of the wire ("-" for none). */
interface Held {
  driver: string;
  override: string;
  claim: [claimant: string, driver: string, override: string] | undefined;
}

/**
 * A board that only answers: it speaks version 1 of the protocol, takes every wish as done and has every device that is asked for, on
 * `e1000e` at first. It proves what goes over the wire and how often, nothing about a kernel.
 */
export class ScriptedBoard {
  readonly devices = new Map<string, Held>();
  /** Every request by its operation, in order. */
  readonly asked: string[] = [];
  /** How the next applies end, where not with "done". */
  refuses = false;

  constructor(private readonly machine: string) {}

  /** Answers as a server's `answer`. */
  answer = async (_command: string, stdin: string): Promise<Answer> => {
    const [, , nonce = "", operation = "", , ...words] = stdin
      .trimEnd()
      .slice(stdin.trimEnd().lastIndexOf("\n") + 1)
      .split(" ");
    const items = words.slice(0, -1).map((word) => word.split(","));
    this.asked.push(operation);
    const wanted = items.filter(([kind]) => kind === "device").map((fields) => fields.slice(1));
    const lines = [this.board()];
    const [, id = "", claimant = "-"] = items.find(([kind]) => kind === "transaction") ?? [];
    if (operation === "apply") lines.push(`${this.apply(wanted, claimant)} of=${id}`);
    lines.push(...wanted.map((fields, index) => this.device(fields, index)));
    const text = [...lines, `end ${lines.length}`].map((line) => `${nonce} ${line}\n`).join("");
    return { stdout: text, stderr: "", code: 0 };
  };

  private held([bus, name]: string[]): Held {
    const key = `${bus},${name}`;
    const held = this.devices.get(key) ?? { driver: "e1000e", override: "-", claim: undefined };
    this.devices.set(key, held);
    return held;
  }

  private apply(wanted: string[][], claimant: string): string {
    if (this.refuses) return "outcome is=undone problem=write word=bind device=0 kernel=No%20such%20device";
    for (const fields of wanted) {
      const held = this.held(fields);
      const [driver = "-", override = "-", claim, pastDriver = "-", pastOverride = "-"] = fields.slice(6);
      if (driver !== "-any") held.driver = driver;
      if (override !== "-any") held.override = override;
      if (claim === "take") held.claim = [claimant, pastDriver, pastOverride];
      if (claim === "drop") held.claim = undefined;
    }
    return "outcome is=done";
  }

  private board(): string {
    const facts = `machine=${this.machine} uuid=- serial=- kernel=6.1.0 host=scripted state=/run/devbind writable=yes`;
    return `board protocol=1 boot=00000000-0000-4000-8000-000000000000 condition=quiet uid=0 ${facts}`;
  }

  private device(fields: string[], index: number): string {
    const { driver, override, claim } = this.held(fields);
    const [bus, name] = fields;
    const there = `index=${index} present=yes bus=yes driver=${driver} unbindable=yes path=/sys/bus/${bus}/devices/${name} journal=-`;
    const identity = `override=${override} modalias=- compatible=- group=- members=- node=- dependents=- holders=-`;
    const wanted = "registered=yes bindable=yes loadable=- similar=- guard=-";
    const [claimant, claimDriver, claimOverride] = claim ?? ["-", "-", "-"];
    return `device ${there} ${identity} ${wanted} claimant=${claimant} claimDriver=${claimDriver} claimOverride=${claimOverride}`;
  }
}

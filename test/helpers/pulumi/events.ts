/** Which of the two passes of a plain `pulumi up`: the preview, or what comes after it. */
export type Pass = "preview" | "update";

/** One event of the engine, as `--event-log` writes it; only the parts that tests look at are typed. */
export interface EngineEvent {
  sequence: number;
  timestamp: number;
  diagnosticEvent?: { urn?: string; prefix?: string; message: string; severity: string; ephemeral?: boolean };
  resourcePreEvent?: { metadata: StepMetadata; planning?: boolean };
  resOutputsEvent?: { metadata: StepMetadata; planning?: boolean };
  resOpFailedEvent?: { metadata: StepMetadata; status: number; steps: number };
  summaryEvent?: { durationSeconds: number; resourceChanges: Record<string, number>; isPreview: boolean; result: string };
}

/** What the engine tells of one step. */
export interface StepMetadata {
  op: string;
  urn: string;
  type: string;
  old: ResourceState | null;
  new: ResourceState | null;
  diffs?: string[] | null;
  detailedDiff: Record<string, { diffKind: string; inputDiff: boolean }> | null;
}

/** A resource in an event; secrets are masked. */
export interface ResourceState {
  id: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}

/** The events of one pass. */
export interface PassEvents {
  readonly pass: Pass;
  readonly events: EngineEvent[];
}

/** One step that a pass planned or did for one resource. */
export interface Step {
  readonly pass: Pass;
  /** `create`, `update`, `same`, `delete`, `replace`, `create-replacement`, `delete-replaced`, `read`; of a refresh: what it found. */
  readonly operation: string;
  readonly name: string;
  readonly type: string;
  readonly urn: string;
  /** Top-level inputs that differ, sorted: what the CLI displays of a dynamic resource, whatever its provider says. */
  readonly changed: string[];
  /** Top-level outputs that differ, sorted: what the CLI displays of a refresh. */
  readonly changedOutputs: string[];
  readonly old?: ResourceState;
  /** After the step in the update pass, before it in the preview. */
  readonly new?: ResourceState;
  /** True if it was begun and failed. */
  readonly failed: boolean;
}

/** One diagnostic: what the program or the provider logged or printed, or the engine said. */
export interface Message {
  readonly pass: Pass;
  /** `info`, `info#err` (printed on stderr), `warning`, `error`. */
  readonly severity: string;
  readonly text: string;
  /** Name of the resource it lies on; the stack's own name is `<project>-<stack>`. */
  readonly resource?: string;
}

/** The steps of all passes; the stack itself and its default providers left out. */
export function stepsOf(passes: PassEvents[]): Step[] {
  return passes.flatMap(({ pass, events }) => {
    const done = new Map(events.flatMap((event) => endOf(event.resOutputsEvent?.metadata)));
    const failed = new Set(events.flatMap((event) => event.resOpFailedEvent?.metadata.urn ?? []));
    return events
      .flatMap((event) => event.resourcePreEvent?.metadata ?? [])
      .filter((begun) => !/^pulumi:(pulumi:Stack$|providers:)/.test(begun.type))
      .map((begun) => step(pass, done.get(`${begun.op} ${begun.urn}`) ?? begun, failed.has(begun.urn)));
  });
}

/** A refresh begins as `refresh` and ends as what it found; every other step ends as what it began as. */
function endOf(metadata: StepMetadata | undefined): [string, StepMetadata][] {
  if (!metadata) return [];
  return [
    [`refresh ${metadata.urn}`, metadata],
    [`${metadata.op} ${metadata.urn}`, metadata],
  ];
}

function step(pass: Pass, metadata: StepMetadata, failed: boolean): Step {
  const { old, new: fresh } = metadata;
  return {
    pass,
    operation: metadata.op,
    name: nameOf(metadata.urn),
    type: metadata.type,
    urn: metadata.urn,
    changed: differing(old?.inputs, fresh?.inputs),
    changedOutputs: differing(old?.outputs, fresh?.outputs),
    old: old ?? undefined,
    new: fresh ?? undefined,
    failed,
  };
}

function differing(old: Record<string, unknown> = {}, fresh: Record<string, unknown> = {}): string[] {
  const names = new Set([...Object.keys(old), ...Object.keys(fresh)]);
  return [...names].filter((name) => JSON.stringify(old[name]) !== JSON.stringify(fresh[name])).sort();
}

/** The diagnostics of all passes, those that only `--debug` shows left out. */
export function messagesOf(passes: PassEvents[]): Message[] {
  return passes.flatMap(({ pass, events }) =>
    events.flatMap(({ diagnosticEvent }) => {
      if (!diagnosticEvent || diagnosticEvent.ephemeral || diagnosticEvent.severity === "debug") return [];
      const { severity, message, urn } = diagnosticEvent;
      return [{ pass, severity, text: withoutColours(message).trimEnd(), resource: urn ? nameOf(urn) : undefined }];
    }),
  );
}

function withoutColours(text: string): string {
  return text.replace(/<\{%[a-z +:-]*%\}>/gi, "");
}

function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf("::") + 2);
}

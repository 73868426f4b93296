import { check, diff } from "../../provider/runtime";

type Properties = Record<string, unknown>;

/** A resource as the engine keeps it. */
export interface Kept {
  inputs: Properties;
  outputs: Properties;
}

/**
 * What the engine does with check's and diff's answers in an `up` whose update succeeds (pkg/resource/deploy: check is given the
 * old inputs, diff the old outputs; a step "same" records the new inputs and keeps the old outputs). The outputs of an update are
 * the new inputs and what is live afterwards, as provider/runtime gives them; live is right after an update.
 */
export async function up(kept: Kept, program: Properties, live: Properties): Promise<{ changes: boolean; drift: unknown; kept: Kept }> {
  const { inputs } = await check(kept.inputs, program);
  const { changes } = await diff("id", kept.outputs, inputs);
  const outputs = changes ? { ...inputs, ...live } : kept.outputs;
  return { changes: changes === true, drift: inputs.drift, kept: { inputs, outputs } };
}

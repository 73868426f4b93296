/** What a piece of work printed by the console, which shows nothing meanwhile. */
export async function printedBy<T>(work: () => Promise<T>): Promise<{ answer: T; printed: string[] }> {
  const printed: string[] = [];
  const keep = (...words: unknown[]) => {
    printed.push(words.map(String).join(" "));
  };
  const { log, warn, error } = console;
  Object.assign(console, { log: keep, warn: keep, error: keep });
  try {
    return { answer: await work(), printed };
  } finally {
    Object.assign(console, { log, warn, error });
  }
}

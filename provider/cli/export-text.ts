import { Document, isMap, isScalar, type YAMLMap } from "yaml";
import type { Written } from "./connect";

/** One device as it is now, in the words of a binding. */
export interface ExportedBinding {
  entry: string;
  bus: string;
  /** Its name, or a selector that means no other one. */
  device: string | Record<string, string>;
  driver: string | null;
  /** What somebody should know before it is brought up. */
  notes: string[];
}

/** A board as it is now. All texts are plain: no line ends in them. */
export interface Exported {
  board: string;
  address: string;
  kernel: string;
  connection: Written;
  /** The fields of the connection that are secret, and so come from elsewhere. */
  secrets: ("password" | "becomePassword")[];
  bindings: ExportedBinding[];
  notes: string[];
}

const variables = { password: "DEVBIND_PASSWORD", becomePassword: "DEVBIND_BECOME_PASSWORD" };

const headOf = ({ address, kernel, notes }: Exported): string[] => [
  `As ${address} (Linux ${kernel}) was when devbind export looked. Bringing it up as it is writes nothing to a device.`,
  ...notes,
];

/** Without the fields that are not set. */
const known = (fields: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** A lab file of one board. */
export function labText(exported: Exported): string {
  const { board, connection, secrets, bindings } = exported;
  const references = Object.fromEntries(secrets.map((field) => [field, { env: variables[field] }]));
  const document = new Document({
    boards: {
      [board]: {
        connection: { ...known(connection), ...references },
        bindings: Object.fromEntries(bindings.map(({ entry, bus, device, driver }) => [entry, { bus, device, driver }])),
      },
    },
  });
  document.commentBefore = headOf(exported)
    .map((line) => ` ${line}`)
    .join("\n");
  const map = document.getIn(["boards", board, "bindings"]);
  if (isMap(map)) for (const { entry, notes } of bindings) noteAt(map, entry, notes);
  return document.toString({ lineWidth: 0 });
}

function noteAt(map: YAMLMap, entry: string, notes: readonly string[]): void {
  const pair = map.items.find(({ key }) => isScalar(key) && key.value === entry);
  if (isScalar(pair?.key) && notes.length > 0) pair.key.commentBefore = notes.map((line) => ` ${line}`).join("\n");
}

/** A program of one board. */
export function programText(exported: Exported): string {
  const { board, connection, secrets, bindings } = exported;
  const fields = Object.entries(known(connection)).map(([key, value]) => `    ${key}: ${literal(value)},`);
  const references = secrets.map((field) => `    ${field}: config.requireSecret("${field}"),`);
  const entries = bindings.flatMap(({ entry, bus, device, driver, notes }) => [
    ...notes.map((line) => `    // ${line}`),
    `    ${literal(entry)}: { bus: ${literal(bus)}, device: ${deviceLiteral(device)}, driver: ${literal(driver)} },`,
  ]);
  return [
    ...headOf(exported).map((line) => `// ${line}`),
    ...(secrets.length > 0 ? ['import * as pulumi from "@pulumi/pulumi";'] : []),
    'import { BoardBindings } from "pulumi-devbind";',
    "",
    ...(secrets.length > 0 ? ["const config = new pulumi.Config();", ""] : []),
    `export const { devices } = new BoardBindings(${literal(board)}, {`,
    "  connection: {",
    ...fields,
    ...references,
    "  },",
    "  bindings: {",
    ...entries,
    "  },",
    "});",
    "",
  ].join("\n");
}

const deviceLiteral = (device: string | Record<string, string>): string =>
  typeof device === "string"
    ? literal(device)
    : `{ ${Object.entries(device)
        .map(([key, value]) => `${key}: ${literal(value)}`)
        .join(", ")} }`;

/** As JSON, of which nothing can end a line. */
const literal = (value: unknown): string =>
  JSON.stringify(value).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`);

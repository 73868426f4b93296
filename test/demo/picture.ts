import type { Screen } from "./screen";

export interface Scene {
  bus: string;
  device: string;
  /** The drivers that the story is about, in the order to draw them; null for "no driver". */
  drivers: (string | null)[];
  /** Who has the device now. */
  current: string | null;
  /** What the program says; undefined while no program says anything. */
  wished: string | null | undefined;
  override: string | null;
}

const arrowLength = 9;

/**
 * Two columns, the device and the drivers, and an arrow to the one that has it. Pure; a driver outside the story gets a row of its
 * own. The arrow is green where it leads to what the program says, yellow where it does not.
 */
export function picture(scene: Scene, paint: Screen["paint"]): string[] {
  const rows = scene.drivers.includes(scene.current) ? scene.drivers : [...scene.drivers, scene.current];
  const place = rows.indexOf(scene.current);
  const label = `${scene.bus}  ${scene.device}`;
  const style = scene.wished === undefined ? "cyan" : scene.current === scene.wished ? "green" : "yellow";
  const width = Math.max(...rows.map((row) => nameOf(row).length));
  const head = `${"device".padEnd(label.length + 2 + arrowLength + 2)}driver`;
  const lines = rows.map((driver, row) => {
    const left = row === 0 ? paint("bold", label) : " ".repeat(label.length);
    const isCurrent = row === place;
    const name = isCurrent ? paint(["bold", style], nameOf(driver).padEnd(width)) : paint("dim", nameOf(driver).padEnd(width));
    return `      ${left}  ${paint(style, arrow(row, place))}  ${name}${notes(scene, driver, isCurrent, paint)}`.trimEnd();
  });
  return ["", `      ${paint("dim", head)}`, ...lines, ""];
}

const nameOf = (driver: string | null) => driver ?? "(no driver)";

function arrow(row: number, place: number): string {
  if (place === 0) return row === 0 ? `${"━".repeat(arrowLength - 1)}▶` : " ".repeat(arrowLength);
  const elbow = Math.floor(arrowLength / 2);
  if (row === 0) return `${"━".repeat(elbow)}┓`.padEnd(arrowLength);
  if (row < place) return `${" ".repeat(elbow)}┃`.padEnd(arrowLength);
  return row === place ? `${" ".repeat(elbow)}┗${"━".repeat(arrowLength - elbow - 2)}▶` : " ".repeat(arrowLength);
}

function notes(scene: Scene, driver: string | null, isCurrent: boolean, paint: Screen["paint"]): string {
  const said = [];
  if (scene.wished !== undefined && driver === scene.wished) said.push("◂ wished");
  if (isCurrent && scene.override !== null) said.push(`override: ${scene.override}`);
  return said.length === 0 ? "" : `   ${paint("dim", said.join("   "))}`;
}

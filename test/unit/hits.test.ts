import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { withHits } from "../faults/hits";

it("devbind.sh still has every line at which the faults count a write: else they would kill nobody there", () => {
  const script = readFileSync(join(__dirname, "../../provider/board/devbind.sh"), "utf8");
  const counted = withHits(script);
  expect(counted).toContain('text=$(modprobe -- "$@" 2>&1); was=$?; hit modprobe "$value"');
  expect(counted).toMatch(/ write="put /);
  expect(() => withHits(script.replaceAll("modprobe --", "insmod"))).toThrow("the script no longer says");
});

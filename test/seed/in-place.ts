import { type DeviceName, stateOf } from "../kernel/eyes";
import { writesOn } from "../kernel/witness";
import { startReader } from "./reader";
import { mustBe, type Story } from "./scene";

const mostRounds = 10;

/**
 * An update of `driver` in place and one back, while somebody on the board reads without pause which driver the device has: the old one, the
 * new one, or none in the gap between them, and never anything else. Repeated until the gap was seen. The parameters are those of the
 * module of `to`.
 */
export const inPlace =
  (device: DeviceName, from: string, to: string, moduleParameters: Record<string, string> = {}): Story =>
  async ({ board, binding }) => {
    const before = await stateOf(board, device);
    const told = binding({ bus: device[0], device: device[1], driver: from });
    await told.up();
    await writesOn(board);
    const reader = await startReader(board, device);
    let rounds = 0;
    for (let gaps = 0; gaps === 0 && rounds < mostRounds; rounds++) {
      await told.up({ driver: to, moduleParameters });
      await told.up({ driver: from, moduleParameters: {} });
      gaps = await reader.gaps();
    }
    const { polls, drivers } = await reader.stop();
    const moves = Array.from({ length: rounds }, () => [to, from]).flat();
    const named = drivers.filter((driver) => driver !== "");
    mustBe("the drivers that the reader saw", named, [from, ...moves]);
    const gaps = drivers.length - named.length;
    if (gaps === 0) throw new Error(`in ${polls} looks the reader never saw the device without driver: it is too slow to prove anything`);
    const writes = (await writesOn(board)).filter((write) => !write.startsWith("override"));
    const both = [`unbind ${device[1]}`, `bind ${device[1]}`];
    mustBe(
      "what the kernel was told",
      writes,
      moves.flatMap(() => both),
    );
    await told.destroy();
    mustBe("driver and override at the end", await stateOf(board, device), before);
    return `${polls} looks saw ${from}, ${to}, the gap between them (seen in ${gaps} of ${moves.length} updates), and nothing else`;
  };

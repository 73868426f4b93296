import { afterEach, beforeEach, expect, test } from "vitest";
import { connectionTo } from "./binding";
import { onBoard } from "./bench";
import { type Cut, openCut } from "./cut";
import { type DeviceName, stateOf } from "./eyes";

const address = "0000:00:10.0";
const card: DeviceName = ["pci", address];
const onVfio = { bus: "pci", device: address, driver: "vfio-pci", timeoutSeconds: 30 };
const waiting = "/etc/modprobe.d/waiting.conf";
const goOn = "/run/go-on";

onBoard("debian", "sessions that systemd ends", (bench) => {
  let way: Cut; // never cut here: it counts the logins
  beforeEach(async () => {
    await bench.board.shell("modprobe -r vfio-pci; rm -f /run/devbind/*/outcome.*");
    way = await openCut(bench.board);
  });
  afterEach(async () => {
    await way.close();
    await bench.board.shell(`rm -f ${waiting} ${goOn}`);
  });
  const throughTheWay = () => bench.binding({ ...onVfio, connection: { ...connectionTo(bench.board), port: way.port } });

  test("a transaction goes on when systemd ends its session while a module loads, and the client learns the outcome by a new login", async () => {
    const { board } = bench;
    await board.shell(`echo 'install vfio-pci until [ -e ${goOn} ]; do sleep 0.1; done; modprobe --ignore-install vfio-pci' >${waiting}`);
    const binding = throughTheWay();
    const created = binding.create();
    const ended = await board.shell(
      `${untilUnderWay}; ${findSession}; systemctl stop "$session"; ls /run/devbind/*/outcome.* 2>/dev/null; touch ${goOn}; echo "$session"`,
    );
    expect(ended, "the session's own, ended before there was an outcome").toMatch(/^ssh@\S+\.service$/);
    expect(await created).toMatchObject({ currentDriver: "vfio-pci", previousDriver: "e1000e", driverOverride: "vfio-pci" });
    expect(await board.shell(`systemctl is-active "${ended}" || true`)).toBe("inactive");
    expect(way.connections()).toBe(2);
    expect(await bench.writes(), "nothing is sent twice").toEqual(["override vfio-pci", `unbind ${address}`, `bind ${address}`]);
    expect(await stateOf(board, card)).toEqual({ driver: "vfio-pci", override: "vfio-pci" });
    await binding.delete();
    expect(await stateOf(board, card)).toEqual({ driver: "e1000e", override: null });
  });

  test("a transaction whose session is killed while the device has no driver binds it", async () => {
    const { board } = bench;
    const binding = throughTheWay();
    await binding.create();
    await bench.writes();
    const deleted = binding.delete();
    await board.shell(
      `${untilUnderWay}; ${findSession}; while [ -e ${folder}/driver ] && [ -e "$asked" ]; do :; done; echo 1 >/sys/fs/cgroup$group/cgroup.kill`,
    );
    await deleted;
    expect(await bench.writes(), "nothing is sent twice").toEqual(["override", `unbind ${address}`, `bind ${address}`]);
    expect(await stateOf(board, card)).toEqual({ driver: "e1000e", override: null });
  });
});

const folder = `/sys/bus/pci/devices/${address}`;
/** Leaves the writer's number in $writer once the journal is there. */
const untilUnderWay =
  "until ls /run/devbind/*/journal.* >/dev/null 2>&1; do sleep 0.01; done; " +
  "asked=$(echo /run/devbind/*/asked.*); writer=$(readlink $asked | cut -d. -f1)";
/** Leaves the control group of the script that waits for the writer in $group, and the service of its session in $session. */
const findSession = "group=$(cut -d: -f3- /proc/$(cut -d' ' -f4 /proc/$writer/stat)/cgroup); session=$(basename $group)";

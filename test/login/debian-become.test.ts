import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { closeIdleConnections } from "../../provider/ssh/pool";
import { operator } from "../boards/debian";
import { onBoard } from "../kernel/bench";
import { connectionTo, refusalOf } from "../kernel/binding";
import { type Cut, openCut } from "../kernel/cut";
import { type DeviceName, stateOf } from "../kernel/eyes";

const address = "0000:00:10.0";
const cardOfSession = "0000:00:02.0";
const card: DeviceName = ["pci", address];
const onVfio = { bus: "pci", device: address, driver: "vfio-pci", timeoutSeconds: 30 };
const asFound = { driver: "e1000e", override: null };
const rootPassword = "devbind-root";

const ways: [title: string, become: Record<string, unknown>][] = [
  ["sudo, with its password", { become: "sudo", becomePassword: operator.password }],
  ["doas, without one", { become: "doas" }],
  ["su, with root's password", { become: "su", becomePassword: rootPassword }],
];

onBoard("debian", "a user who is not root", (bench) => {
  let way: Cut;
  beforeEach(async () => {
    await bench.board.shell(`modprobe -r vfio-pci; rm -f /run/devbind/*/outcome.*; echo 'root:${rootPassword}' | chpasswd`);
    way = await openCut(bench.board);
  });
  afterEach(async () => {
    await closeIdleConnections();
    await way.close();
    await bench.board.shell("passwd -d -l root >/dev/null");
  });
  const bindingOf = (fields: Record<string, unknown>, wish: typeof onVfio = onVfio) =>
    bench.binding({ ...wish, connection: { ...connectionTo(bench.board), user: operator.user, port: way.port, ...fields } });

  describe.each(ways)("becomes root by %s", (_title, become) => {
    test("binds a device and gives it back, over one login", async () => {
      const binding = bindingOf(become);
      expect(await binding.create()).toMatchObject({ currentDriver: "vfio-pci", previousDriver: "e1000e" });
      expect(await bench.writes()).toEqual(["override vfio-pci", `unbind ${address}`, `bind ${address}`]);
      await binding.delete();
      expect(await stateOf(bench.board, card)).toEqual(asFound);
      expect(way.connections()).toBe(1);
    });

    test("and the guard still knows the card of the session", async () => {
      const refusal = await refusalOf(bindingOf(become, { ...onVfio, device: cardOfSession }).create());
      expect(refusal).toMatch(/The device carries .*which carries this SSH session/);
      expect(await bench.writes()).toEqual([]);
    });

    test("a transaction whose link is cut ends by itself, and its outcome is learned by a new login", async () => {
      const { board } = bench;
      const binding = bindingOf(become);
      way.afterSending(50_000, () => board.shell("until ls /run/devbind/*/asked.* >/dev/null 2>&1; do sleep 0.05; done"));
      await binding.create();
      expect([way.count(), way.connections()]).toEqual([1, 2]);
      expect(await bench.writes(), "nothing is sent twice").toEqual(["override vfio-pci", `unbind ${address}`, `bind ${address}`]);
      await binding.delete();
      expect(await stateOf(board, card)).toEqual(asFound);
    });
  });

  test("is told so where nothing says how it becomes root", async () => {
    expect(await refusalOf(bindingOf({}).create())).toContain(
      "The login is not root's, and only root may rebind. Nothing was written. Log in as root, or say in connection.become how this user becomes root.",
    );
  });

  test("is told that sudo did not take its password, and nothing of it stands in the board's journal", async () => {
    const wrong = "a-wrong-password";
    const refusal = await refusalOf(bindingOf({ become: "sudo", becomePassword: wrong }).create());
    expect(refusal).toBe(
      `${operator.user}@127.0.0.1:${way.port} let us in, but sudo did not take the password. Nothing was written on the board. Correct connection.becomePassword: sudo wants this user's own, or root's where sudoers say rootpw.`,
    );
    for (const password of [wrong, operator.password, rootPassword])
      expect(await bench.board.shell(`journalctl -b --no-pager | grep -c -e '${password}' || true`)).toBe("0");
  });
});

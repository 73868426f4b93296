import { expect, test } from "vitest";
import { refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, virtioBehind } from "./eyes";

const sessionCard: DeviceName = ["platform", "a003e00.virtio_mmio"];
const itself = { bus: "platform", device: sessionCard[1], driver: null };
const sibling = { bus: "pci", device: "0000:00:01.0", driver: null };
const free = { bus: "pci", device: "0000:00:02.0", driver: null };
const siblingName = '"$(ls /sys/bus/pci/devices/0000:00:01.0/net)"';

const give = (card: string) => `ip address add 10.0.2.15/24 dev ${card} && ip route add default via 10.0.2.2`;
const bridge = [
  "ip link add br0 type bridge && echo 0 >/sys/class/net/br0/bridge/forward_delay",
  "ip link set br0 address $(cat /sys/class/net/eth0/address) && ip link set br0 up",
  `ip link set ${siblingName} master br0 && ip address flush dev eth0 && ip link set eth0 master br0`,
].join(" && ");
const bond = [
  "ip link add bond0 type bond && echo active-backup >/sys/class/net/bond0/bonding/mode && echo 100 >/sys/class/net/bond0/bonding/miimon",
  "ip address flush dev eth0 && ip link set eth0 down && ip link set eth0 master bond0 && ip link set bond0 up",
  `ip link set ${siblingName} down && ip link set ${siblingName} master bond0`,
].join(" && ");
/** The bridge takes what comes in at eth0 for VLAN 5, so that the session runs over br0.5. */
const vlan = [
  `${bridge} && bridge vlan add dev eth0 vid 5 pvid untagged && bridge vlan add dev br0 vid 5 self`,
  "echo 1 >/sys/class/net/br0/bridge/vlan_filtering",
  "ip link add link br0 name br0.5 type vlan id 5 && ip link set br0.5 up",
].join(" && ");

onBoard("arm64", "a session that runs over cards upon cards", (bench) => {
  test.each([
    ["a bridge", "br0", bridge, "over eth0"],
    ["a bond", "bond0", bond, "over eth0"],
    ["a VLAN upon a bridge", "br0.5", vlan, "over br0, over eth0"],
  ])("refuses the cards below %s, with the chain to them, and no others", async (_what, upper, build, chain) => {
    bench.isSpoilt = true; // until the session's address is back
    await bench.board.shell(`modprobe -a bridge bonding 8021q && ${build} && ${give(upper)}`);
    const reason = `The device carries the network card ${upper}, which carries this SSH session, ${chain}`;

    const device = await virtioBehind(bench.board, sessionCard);
    expect(await refusalOf(bench.binding(itself).create())).toContain(`${reason} (through ${device}). Nothing was written.`);
    const name = await bench.board.shell(`echo ${siblingName}`);
    expect(await refusalOf(bench.binding(sibling).create())).toContain(`${reason.replace("eth0", name)}`);
    expect(await bench.writes()).toEqual([]);
    const other = bench.binding(free);
    await other.create();
    await other.delete();

    await bench.board.shell(`for card in br0.5 br0 bond0; do ip link del $card 2>/dev/null; done; ip link set eth0 up && ${give("eth0")}`);
    bench.isSpoilt = false;
  });

  test("refuses the card of the way back when the session's address is on another one", async () => {
    bench.isSpoilt = true;
    const wayBack = "ip route add 10.0.2.0/24 dev eth0 && ip route add default via 10.0.2.2";
    await bench.board.shell(`ip address add 10.0.2.15/32 dev lo && ip address del 10.0.2.15/24 dev eth0 && ${wayBack}`);
    const reason = "The device carries the network card eth0, which carries this SSH session";
    expect(await refusalOf(bench.binding(itself).create())).toContain(reason);
    expect(await bench.writes()).toEqual([]);
    const other = bench.binding(free);
    await other.create();
    await other.delete();
  });
});

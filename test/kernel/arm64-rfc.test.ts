import { test } from "vitest";
import { inPlace } from "../seed/in-place";
import { boards, rows } from "../seed/rows";
import { onBoard } from "./bench";
import type { DeviceName } from "./eyes";
import { play } from "./play";

const card: DeviceName = ["pci", "0000:00:01.0"];

onBoard(
  "arm64",
  "a node with two drivers' strings, and two devices of one id",
  (bench) => {
    test('moves a device between the two drivers of its compatible by strategy "bind", without an override', () =>
      play(bench, rows.listedDriver));

    test("lists what an id would claim and refuses, until it is told, and takes the id back at the end", () => play(bench, rows.byNewId));

    test("shows a reader who never pauses the old driver, the new one, or none between them, and nothing else", () => {
      const story = inPlace(card, "e1000e", "vfio-pci");
      return play(bench, { ...rows.inPlace, board: "arm64", story });
    });
  },
  boards.arm64,
);

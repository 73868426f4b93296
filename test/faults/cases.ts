import { cutLink } from "./cut-link";
import type { Case } from "./frame";
import { killedController } from "./killed-controller";
import { killedEngine } from "./killed-engine";
import { killedScript } from "./killed-script";
import { movedWorld } from "./moved-world";
import { power } from "./power";
import { refusals } from "./refusals";
import { twoControllers } from "./two-controllers";
import { twoStacks } from "./two-stacks";

/** Every way in which transactions are attacked, those that take longest first: two boards share them. */
export const cases: Case[] = [
  killedScript("pci"),
  cutLink,
  killedScript("platform", "amba"),
  twoControllers,
  killedController,
  killedEngine,
  twoStacks,
  power,
  movedWorld,
  refusals,
];

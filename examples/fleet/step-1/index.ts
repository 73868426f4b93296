import * as pulumi from "@pulumi/pulumi";
import { DeviceBinding } from "pulumi-devbind";

/** One board, as the config has it. */
interface Board {
  name: string;
  host: string;
  port?: number;
  hostKey: string;
}

const config = new pulumi.Config();
const boards = config.requireObject<Board[]>("boards");
const privateKey = config.requireSecret("privateKey");
const devices = ["0000:00:01.0", "0000:00:02.0"];

const cards = boards.flatMap(({ name, ...address }) =>
  devices.map(
    (device) =>
      new DeviceBinding(`${name}-${device}`, {
        connection: { ...address, privateKey },
        bus: "pci",
        device,
        driver: "vfio-pci",
      }),
  ),
);

export const vfioPaths = pulumi.all(cards.map((card) => card.vfioPath));

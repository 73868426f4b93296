import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { DeviceBinding } from "pulumi-devbind";

const config = new pulumi.Config();
const firmware = createHash("sha256").update(readFileSync("firmware.bin")).digest("hex");

const generator = new DeviceBinding("generator", {
  connection: {
    host: config.require("host"),
    port: config.getNumber("port"),
    privateKeyPath: config.require("privateKeyPath"),
    hostKey: config.require("hostKey"),
  },
  bus: "platform",
  device: "a003c00.virtio_mmio",
  driver: "virtio-mmio",
  triggers: [firmware],
});

export const driver = generator.currentDriver;

import * as pulumi from "@pulumi/pulumi";
import { DeviceBinding } from "pulumi-devbind";

const config = new pulumi.Config();

const card = new DeviceBinding("card", {
  connection: {
    host: config.require("host"),
    port: config.getNumber("port"),
    privateKey: config.requireSecret("privateKey"),
    hostKey: config.get("hostKey"),
  },
  bus: "pci",
  device: config.require("device"),
  driver: null,
});

export const driver = card.currentDriver;
export const previousDriver = card.previousDriver;
export const iommuGroup = card.iommuGroup;
export const vfioPath = card.vfioPath;

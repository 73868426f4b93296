import * as pulumi from "@pulumi/pulumi";
import { DeviceBinding } from "pulumi-devbind";

const config = new pulumi.Config();

const card = new DeviceBinding("card", {
  connection: {
    host: config.require("host"),
    port: config.requireNumber("port"),
    user: config.require("user"),
    privateKeyPath: config.get("privateKeyPath"), // without one, the SSH agent's keys
    dialErrorLimit: 2,
  },
  bus: config.require("bus"),
  device: config.require("device"),
  driver: config.require("driver"),
});

export const driver = card.currentDriver;
export const previousDriver = card.previousDriver;
export const iommuGroup = card.iommuGroup;
export const vfioPath = card.vfioPath;

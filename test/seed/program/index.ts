import * as pulumi from "@pulumi/pulumi";
import { DeviceBinding, type DeviceBindingArgs } from "pulumi-devbind";

const config = new pulumi.Config();

const device = new DeviceBinding("device", {
  connection: {
    host: config.require("host"),
    port: config.requireNumber("port"),
    privateKey: config.requireSecret("privateKey"),
    hostKey: config.require("hostKey"),
  },
  // What the row says: bus, device, driver, and what else it needs. An edit of it is an edit of the program.
  ...config.requireObject<Omit<DeviceBindingArgs, "connection">>("binding"),
});

export const currentDriver = device.currentDriver;
export const previousDriver = device.previousDriver;
export const iommuGroup = device.iommuGroup;
export const groupViable = device.groupViable;
export const vfioPath = device.vfioPath;

import * as pulumi from "@pulumi/pulumi";
import { DeviceBinding } from "pulumi-devbind";

const config = new pulumi.Config();

// The host key is looked up in ~/.ssh/known_hosts and in the file known_hosts beside Pulumi.yaml.
const clock = new DeviceBinding("clock", {
  connection: {
    host: config.require("host"),
    port: config.getNumber("port"),
    privateKeyPath: config.require("privateKeyPath"),
  },
  bus: "amba",
  device: "9010000.pl031",
  driver: "rtc-pl031",
});

export const driver = clock.currentDriver;
export const previousDriver = clock.previousDriver;

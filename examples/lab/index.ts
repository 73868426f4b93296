import * as pulumi from "@pulumi/pulumi";
import { Lab } from "pulumi-devbind";

const config = new pulumi.Config();

const lab = new Lab("bench", {
  file: "lab.yaml",
  boards: config.getObject<string[]>("boards"), // all, unless the config names some
});

export const devices = lab.devices;

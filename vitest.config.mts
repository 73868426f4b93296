import { defineConfig } from "vitest/config";

const minutes = 60_000;

/** One project for each kind of proof; those that boot boards or drive the engine run one file after the other. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 2 * minutes, hookTimeout: 2 * minutes } },
      {
        test: {
          name: "script",
          include: ["test/script/**/*.test.ts"],
          testTimeout: 5 * minutes,
          hookTimeout: 2 * minutes,
          maxWorkers: 3, // much of their time is waiting
        },
      },
      { test: { name: "ssh", include: ["test/ssh/**/*.test.ts"], testTimeout: 2 * minutes, hookTimeout: 2 * minutes } },
      {
        test: {
          name: "login",
          include: ["test/login/**/*.test.ts"],
          testTimeout: 10 * minutes,
          hookTimeout: 20 * minutes,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "boards",
          include: ["test/boards/**/*.test.ts"],
          testTimeout: 10 * minutes,
          hookTimeout: 10 * minutes,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "pulumi",
          include: ["test/helpers/**/*.test.ts", "test/pulumi/**/*.test.ts"],
          testTimeout: 10 * minutes,
          hookTimeout: 20 * minutes,
          maxWorkers: 2, // an engine uses one core at a time
        },
      },
      {
        test: {
          name: "faults",
          include: ["test/faults/**/*.test.ts"],
          testTimeout: 20 * minutes,
          hookTimeout: 20 * minutes,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "kernel",
          include: ["test/kernel/**/*.test.ts"],
          testTimeout: 10 * minutes,
          hookTimeout: 20 * minutes,
          maxWorkers: 2, // a board is idle most of the time
        },
      },
    ],
  },
});

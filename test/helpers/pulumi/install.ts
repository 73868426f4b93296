import { pulumiCli } from "./cli";

/** `npx tsx test/helpers/pulumi/install.ts`: finds or makes the Pulumi CLI, says so on stderr, and prints its folder on stdout. */
async function main(): Promise<void> {
  const cli = await pulumiCli((line) => console.error(line));
  console.log(cli.folder);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});

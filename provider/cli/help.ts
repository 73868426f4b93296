/** The words of `--help` that commander does not make. */

export const exitTable = `
Exit codes:
   0  what was asked holds, or was done
   1  a board answered, and it is not so: drift, a refusal, something that was not released
   2  a board gave no answer, or none that can be believed (goes before 1)
  64  the command line can't be right
  65  the lab file or an input can't be right; no board was asked
  70  a defect of this program
 130  ended by Ctrl-C`;

export const secretsHelp = `
Secrets are never arguments, which every process could read:
  DEVBIND_PASSWORD, DEVBIND_BECOME_PASSWORD   or --ask-password, --ask-become-password
  a lab file names them: { config: NAME } is read by \`pulumi config get NAME\` in its folder, { env: NAME } from the environment.

NO_COLOR switches colours off, FORCE_COLOR on. In a pipe nothing is cut to a width.`;

export const examples = {
  devbind: `
Examples:
  devbind list --host root@10.0.0.21              what the board has, and what of it can be taken
  devbind export --host root@10.0.0.21 >lab.yaml  a lab file of the board as it is now
  devbind check                                   does ./lab.yaml hold right now?
  devbind plan --as acme/lab/prod/bench-3         which writes an \`up\` would do`,
  list: `
Examples:
  devbind list --host root@10.0.0.21 --bus pci
  devbind list --host operator@10.0.0.21 --become sudo --free
  devbind list --lab lab.yaml arndale-3 --match i2c
  devbind list --host root@10.0.0.21 --json | jq '.devices[] | select(.guard == null) | .name'

FREE? says yes where nothing stands on the device and nobody claims it. A look writes nothing.`,
  check: `
Examples:
  devbind check                                   all boards of ./lab.yaml
  devbind check --lab bench.yaml --tag vfio
  devbind check --quiet arndale-3 || exit 1       before a lease: no word when all is right
  */10 * * * *  devbind check --quiet --lab /srv/lab/lab.yaml    cron mails what differs

It reads no state of Pulumi's: what a preview calls drift is told here in the same words. A board with whenUnreachable: skip that
is off is left out (exit 0), unless it is named on the command line.`,
  plan: `
Examples:
  devbind plan
  devbind plan --lab bench.yaml arndale-3 --as acme/lab/prod/bench-3

Lines are the steps of one transaction, in its order: \`override <device> <driver, or - for none>\`, \`unbind <device> <driver>\`,
\`bind <device> <driver>\`, \`module\`, \`new-id\`, \`remove-id\`, \`persist\`. It knows no state: what \`up\` gives back because it went from
the file, and rebinds because of triggers, only \`pulumi preview\` tells. Without --as whoever claims a device is taken for its owner.`,
  export: `
Examples:
  devbind export --host root@10.0.0.21 >lab.yaml
  devbind export --host root@10.0.0.21 --format typescript pci/0000:01:00.0 >index.ts
  devbind export --host root@10.0.0.21 --bus platform --by deviceTreePath

Without devices, --bus or --all: those that have an override, a vfio driver or a claim. Bringing it up as it is writes nothing to a
device. --by writes a selector where it means no other device of the bus, else the name.`,
  release: `
Examples:
  devbind release --host root@10.0.0.21                          lists, and asks
  devbind release --host root@10.0.0.21 --claimant 'acme/lab/old/*'
  devbind release --lab lab.yaml arndale-3 pci/0000:01:00.0 --yes

Devices stay on the drivers that they have. What goes: the claims, what keeps them over a reboot, ids and modules that were added for
them and that nobody uses. Interrupted transactions are undone, whoever's they are, as any next transaction would do first; what is
running or stuck is left alone.`,
  schema: `
Example:
  devbind schema >lab.schema.json
  # yaml-language-server: $schema=./lab.schema.json       (first line of lab.yaml, for editors)`,
};

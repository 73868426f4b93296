/** What an editor shows of each field of a lab file, in one line. README tells more. */

export const connectionWords = {
  host: "Address or name of the board, or a name of the configFile.",
  port: "Its SSH port (22).",
  user: "Who logs in (root); who is not root needs `become`.",
  password: "The login's password, by reference.",
  privateKey: "The private key itself, by reference.",
  privateKeyPath: "File of the private key; relative to this file.",
  privateKeyPassword: "The private key's passphrase, by reference.",
  agentSocketPath: "Socket of an SSH agent; SSH_AUTH_SOCK without it.",
  dialErrorLimit: "How many failed dials are borne (10); -1: without limit.",
  perDialTimeout: "Seconds for one dial (15); 0: without limit.",
  hostKey: "The board's public host key, as in known_hosts.",
  proxy: "One host to jump through.",
  jumps: "Hosts to jump through, in their order.",
  configFile: "OpenSSH client config in which `host` is a name; relative to this file.",
  knownHosts: "File or files of known host keys; relative to this file.",
  hostKeyChecking: "strict (the default), accept-new or off.",
  become: "How the user becomes root: sudo, doas or su.",
  becomePassword: "The password of sudo or su, by reference.",
};

export const entryWords = {
  bus: "The bus that the device is on: platform, pci, usb and so on.",
  device: "The device's name on its bus, or a selector that exactly one device matches.",
  driver: "The driver that shall own the device; null keeps it without one.",
  strategy: "auto (the default), override, bind or new-id.",
  newIdMayClaim: "Devices that a new id may claim beside this one.",
  module: "The driver's module; false: none is loaded.",
  moduleParameters: "Parameters that the module must have.",
  triggers: "A change of any of these rebinds the device.",
  expect: "What must hold of the device, or nothing is written to it.",
  wholeIommuGroup: "Takes the other devices of its IOMMU group along; bridges stay.",
  wholeSlot: "Takes the other functions of its PCI slot along.",
  onDelete: "restore (the default), unbind, probe or keep.",
  onDrift: "repair (the default) or report.",
  persist: "Whether the binding survives a reboot by itself.",
  force: "Takes a device away although it is guarded. Look twice.",
  claimFrom: "Resources from which the claim may be taken over.",
};

export const transactionWords = {
  confirmSeconds: "Undone by the board itself unless a new login confirms it in so many seconds.",
  afterRebind: "A command on the board after the rebind, as a list of words.",
  timeoutSeconds: "How long the board may work at it (30).",
  whenUnreachable: "error (the default), or skip: the board is left out with a warning.",
  deleteUnreachable: "Lets go of the board although it gives no answer.",
  claimAs: "The name of the claim, instead of organisation/project/stack/name.",
  stateDirectory: "Not built yet.",
};

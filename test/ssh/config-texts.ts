import type { Asked } from "./config-as-ssh";

/** A config file for tests. DIR is the folder that it is in. */
export interface ConfigText {
  readonly title: string;
  readonly text: string;
  /** Default: board-7. */
  readonly asked?: Asked;
  /** What else is in its folder. */
  readonly files?: Readonly<Record<string, string>>;
  /** Its jump hosts lead back to themselves: OpenSSH's own client refuses it, or starts itself until it is stopped. */
  readonly isCircle?: boolean;
}

export const texts: readonly ConfigText[] = [
  { title: "nothing", text: "" },
  { title: "a host's lines", text: "Host board-7\n  HostName 10.0.0.7\n  User lab\n  Port 2222\n" },
  { title: "lines before any Host", text: "User lab\nHost board-7\n  User root\n  HostName 10.0.0.7\n" },
  { title: "the first word on a setting", text: "Host board-*\n  User first\nHost board-7\n  User second\n  Port 2222\n" },
  {
    title: "patterns",
    text: "Host board-?\n  User one\nHost board-*\n  Port 2222\nHost *\n  HostName 10.0.0.%h\n",
    asked: { host: "board-12" },
  },
  { title: "a list of patterns with a negation", text: "Host board-* !board-7\n  User lab\nHost !board-8 *\n  Port 2222\n" },
  { title: "a negation alone, which matches nothing", text: "Host !board-8\n  User lab\n" },
  { title: "keywords in any case, with = and tabs", text: "HOST board-7\n\thostname=10.0.0.7\n\tUSER\t=\tlab\n port = 2222\n" },
  { title: "quotes", text: 'Host "board-7"\n  HostName "10.0.0.7"\n  User "lab"\n  IdentityFile "/keys/with a space"\n' },
  {
    title: "comments and empty lines",
    text: "# the lab\n\nHost board-7 # seven\n  # its address\n  HostName 10.0.0.7\n\n  User lab # not root\n",
  },
  { title: "carriage returns", text: "Host board-7\r\n  HostName 10.0.0.7\r\n  User lab\r\n" },
  { title: "no indentation, no newline at the end", text: "Host board-7\nHostName 10.0.0.7\nUser lab" },
  { title: "%h in a HostName", text: "Host board-*\n  HostName %h.lab.example\n" },
  { title: "%% in a HostName", text: "Host board-7\n  HostName fe80::1%%eth0\n" },
  { title: "an IPv6 address", text: "Host board-7\n  HostName 2001:db8::7\n" },
  { title: "a host name in capitals", text: "Host board-7\n  User lab\n", asked: { host: "BOARD-7" } },
  {
    title: "given user and port before the file's",
    text: "Host board-7\n  User lab\n  Port 2222\n",
    asked: { host: "board-7", user: "me", port: 22 },
  },
  {
    title: "several identity files",
    text: "IdentityFile /keys/a\nHost board-7\n  IdentityFile /keys/b\n  IdentityFile ~/.ssh/c\nHost *\n  IdentityFile /keys/d\n",
  },
  { title: "the same identity file twice", text: "IdentityFile /keys/a\nHost board-7\n  IdentityFile /keys/a\n" },
  { title: "no identity file", text: "Host board-7\n  IdentityFile none\n" },
  { title: "a host key alias", text: "Host board-7\n  HostKeyAlias Seven\n" },
  { title: "Match host, by the name after HostName", text: "Host board-7\n  HostName 10.0.0.7\nMatch host 10.0.0.*\n  User lab\n" },
  {
    title: "Match host, by the name that was asked",
    text: "Match host board-7\n  User lab\n  HostName 10.0.0.7\nMatch host board-7\n  Port 2222\n",
  },
  { title: "Match originalhost", text: "Host board-7\n  HostName 10.0.0.7\nMatch originalhost board-7,board-8\n  User lab\n" },
  { title: "Match user", text: "Match user lab\n  Port 2222\nMatch user root\n  Port 2200\n", asked: { host: "board-7", user: "lab" } },
  { title: "Match user that the file set before", text: "User lab\nMatch user lab\n  Port 2222\n" },
  { title: "Match localuser", text: "Match localuser root\n  Port 2222\nMatch localuser nobody\n  User nobody\n" },
  { title: "Match all", text: "Host other\n  User other\nMatch all\n  User lab\n" },
  {
    title: "Match with two conditions and a negation",
    text: "Match host board-* user lab\n  Port 2222\nMatch !host board-7\n  Port 2200\n",
    asked: { host: "board-7", user: "lab" },
  },
  { title: "one jump host", text: "Host board-*\n  ProxyJump gate\nHost gate\n  HostName 10.0.0.1\n  User me\n" },
  {
    title: "two jump hosts, with user and port",
    text: "Host board-*\n  ProxyJump me@gate:2222,you@10.0.0.2\nHost gate\n  HostName 10.0.0.1\n  User other\n",
  },
  {
    title: "a jump host with a jump host of its own",
    text: "Host board-*\n  ProxyJump gate\nHost gate\n  ProxyJump outer\nHost outer\n  HostName 10.0.0.1\n",
  },
  {
    title: "two jump hosts, the second with one of its own",
    text: "Host board-*\n  ProxyJump outer,gate\nHost gate\n  ProxyJump elsewhere\n",
  },
  {
    title: "two jump hosts, the first with one of its own",
    text: "Host board-*\n  ProxyJump outer,gate\nHost outer\n  ProxyJump elsewhere\n",
  },
  { title: "no jump host, before one for all", text: "Host board-7\n  ProxyJump none\nHost *\n  ProxyJump gate\n" },
  { title: "a jump host for all but itself", text: "Host * !gate\n  ProxyJump gate\nHost gate\n  User me\n" },
  { title: "a jump host as an address of IPv6", text: "Host board-7\n  ProxyJump me@[2001:db8::1]:2222\n" },
  { title: "a jump host as ssh://", text: "Host board-7\n  ProxyJump ssh://me@10.0.0.1:2222\n" },
  { title: "an include", text: "Include DIR/lab\nHost *\n  User other\n", files: { lab: "Host board-7\n  User lab\n" } },
  {
    title: "includes by a pattern, in order",
    text: "Include DIR/lab.d/*\n",
    files: { "lab.d/b": "Host board-7\n  User b\n  Port 2202\n", "lab.d/a": "Host board-7\n  User a\n" },
  },
  { title: "an include that matches nothing", text: "Include DIR/none/*\nHost board-7\n  User lab\n" },
  {
    title: "several files in one include",
    text: "Include DIR/a DIR/b\n",
    files: { a: "Host board-8\n  User a\n", b: "Host board-7\n  User b\n" },
  },
  { title: "an include inside a host's lines", text: "Host board-7\n  Include DIR/lab\n  Port 2222\n", files: { lab: "User lab\n" } },
  {
    title: "an include inside another host's lines",
    text: "Host board-8\n  Include DIR/lab\nHost board-7\n  Port 2222\n",
    files: { lab: "User lab\nHost *\n  Port 2200\n" },
  },
  {
    title: "an include whose last Host goes on after it",
    text: "Include DIR/lab\n  Port 2222\n",
    files: { lab: "Host board-8\n  User eight\n" },
  },
  {
    title: "an include in an include",
    text: "Include DIR/a\n",
    files: { a: "Include DIR/b\nHost board-7\n  User a\n", b: "Host board-7\n  User b\n" },
  },
  {
    title: "a jump host for all, itself included",
    text: "Host *\n  ProxyJump gate\nHost gate\n  HostName 10.0.0.1\n",
    isCircle: true,
  },
  {
    title: "two that are each other's jump hosts",
    text: "Host board-7\n  ProxyJump gate\nHost gate\n  ProxyJump board-7\n",
    isCircle: true,
  },
  {
    title: "settings that we don't use",
    text: "Host board-7\n  ForwardAgent yes\n  ServerAliveInterval 5\n  ControlMaster auto\n  ControlPath /tmp/%C\n  User lab\n",
  },
  { title: "settings that nobody knows, but are to be ignored", text: "IgnoreUnknown Nonsense\nNonsense yes\nHost board-7\n  User lab\n" },
];

/** xorshift32: the same files in every run. */
function randomFrom(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % most;
  };
}

/** A file of a few sections that overlap in every way. */
export function madeText(seed: number): string {
  const random = randomFrom(seed);
  const pick = (list: readonly string[]) => list[random(list.length)] ?? "";
  const heads = [
    "Host board-7",
    "Host board-*",
    "Host * !gate",
    "Host gate outer",
    "Host *",
    "Match host board-7,10.0.0.7",
    "Match user lab",
    "Match originalhost board-? host *",
    "Match all",
  ];
  const lines = [
    "HostName 10.0.0.7",
    "HostName %h.lab",
    "User lab",
    "User root",
    "Port 2222",
    "Port=22",
    "ProxyJump gate",
    "ProxyJump none",
    "ProxyJump me@outer:2200,gate",
    "IdentityFile /keys/a",
    "IdentityFile ~/.ssh/b",
  ];
  const some = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  const section = () => [pick(heads), ...some(1 + random(3), () => `  ${pick(lines)}`)];
  return [...some(random(2), () => pick(lines.slice(0, 6))), ...some(2 + random(4), section).flat(), ""].join("\n");
}

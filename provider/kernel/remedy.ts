import { noNetns } from "./command.ts";

/** What to do next, by what the kernel's tools say: the first pattern that fits. */
const remedies: readonly (readonly [RegExp, string])[] = [
  [/sudo: .*password/, "Allow sudo without a password for this user, or run as root."],
  [/Operation not permitted|Permission denied|must be root/, "Run it as root, or as a user with sudo."],
  [/(?:^|[ '‘])(ip|tc|bridge)['’]?: (?:not found|No such file)/, "Install the Debian package iproute2."],
  [/(?:^|[ '‘])nft['’]?: (?:not found|No such file)/, "Install the Debian package nftables."],
  [/(?:^|[ '‘])ip6?tables\S*?['’]?: (?:not found|No such file)/, "Install the Debian package iptables."],
  [
    /(?:^|[ '‘])(nsenter|flock|timeout|sysctl)['’]?: (?:not found|No such file)/,
    "Install the Debian packages util-linux, coreutils and procps.",
  ],
  [/No space left/, "Free some space there and run it again."],
  [/Read-only file system/, "Make that folder writable and run it again."],
  [/holds the lock|held the lock|xtables.lock/, "Wait for the other operation to end, then run it again."],
  [
    /Unknown device type|Operation not supported|qdisc kind is unknown/,
    "This kernel lacks that feature; load its module or use another kernel.",
  ],
  [
    noNetns,
    "Create that namespace first: pass the Netns resource's `name` output, so that the engine keeps the order.",
  ],
];

/** The remedy for a cause, if one is known. */
export function remedyFor(cause: string | undefined): string | undefined {
  return remedies.find(([pattern]) => pattern.test(cause ?? ""))?.[1];
}

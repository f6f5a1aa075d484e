import { readFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { shortHash } from "../kernel/owner.ts";

/**
 * Completes an owner with who runs the program, as eight hex digits: two people with the same project and stack on one host
 * are told apart, and the same person on the same machine finds their own again after a crash. What an earlier run has
 * fixed is kept, so a state works from another machine.
 */
export function sealOwner(owner: string, old: unknown): string {
  const kept = /@([0-9a-f]{8})$/.exec(typeof old === "string" ? old : "");
  return `${owner.replace(/@[0-9a-f]{8}$/, "")}@${kept?.[1] ?? who()}`;
}

function who(): string {
  return shortHash([userInfo().username, machine()].join("\n"));
}

function machine(): string {
  try {
    return readFileSync("/etc/machine-id", "utf8").trim() || hostname();
  } catch {
    return hostname();
  }
}

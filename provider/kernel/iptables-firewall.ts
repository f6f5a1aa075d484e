import type { Family } from "./addresses.ts";
import type { Change, Fact, Step } from "./command.ts";
import { forwardingFolder, type SeenForwarding } from "./forwarding.ts";
import {
  familiesOf,
  type IptablesRule,
  type IptablesSeen,
  iptablesChanges,
  iptablesFact,
  iptablesTeardown,
  type RuleOwner,
} from "./iptables.ts";
import { guardHandOverStep, guardOffStep, guardStep, isGuarded, isGuardWhole } from "./iptables-guard.ts";
import type { Asking } from "./iptables-save.ts";

/** What is known of a namespace's iptables, per family. */
export interface SeenIptables {
  rules4: IptablesSeen;
  rules6: IptablesSeen;
}

/** What has to be asked of a namespace's iptables. */
export function iptablesFacts(
  asking: Asking,
  netns?: string,
): { rules4: Fact<IptablesSeen>; rules6: Fact<IptablesSeen> } {
  return { rules4: iptablesFact(4, netns, asking), rules6: iptablesFact(6, netns, asking) };
}

/** What is known of both families. */
export function viewsOf({ rules4, rules6 }: SeenIptables): IptablesSeen[] {
  return [rules4, rules6];
}

/** A family that cannot be asked counts only when rules of it are wanted: a host may have no ip6tables. */
function usable(wanted: readonly IptablesRule[], seen: SeenIptables): IptablesSeen[] {
  const needed = familiesOf(wanted);
  return viewsOf(seen).filter(({ family, problem }) => problem === undefined || needed.includes(family));
}

/** What is missing of a resource's rules in iptables, and of the guard that its forwarding needs. */
export function iptablesBackendChanges(
  wanted: readonly IptablesRule[],
  families: readonly Family[],
  seen: SeenIptables & { forwarding: SeenForwarding },
  who: RuleOwner,
  netns?: string,
): Change[] {
  const { on, wereOff } = seen.forwarding;
  const open = viewsOf(seen).filter(
    (view) =>
      families.includes(view.family) &&
      (!on.includes(view.family) || wereOff.includes(view.family)) &&
      !isGuardWhole(view),
  );
  return [
    ...iptablesChanges(who, wanted, usable(wanted, seen)),
    ...open.map(({ family }) => ({
      drift: `the guard of IPv${family} forwarding is missing or changed`,
      steps: [guardStep({ family, netns }, forwardingFolder(netns))],
    })),
  ];
}

/** The steps that remove a resource's rules from iptables. */
export function iptablesBackendTeardown(seen: SeenIptables, who: RuleOwner): Step[] {
  const asked = viewsOf(seen).filter(({ problem, family }) => problem === undefined || family === 4);
  return iptablesTeardown(who, asked);
}

/** What is left of the guard in iptables when the last owner has moved to nftables. */
export function guardHandOver(seen: SeenIptables, { owner, former }: RuleOwner, netns?: string): Change[] {
  const used = (view: IptablesSeen) => view.rules.some(({ mark }) => mark && ![owner, former].includes(mark.owner));
  const left = viewsOf(seen).filter((view) => isGuarded(view) && !used(view));
  const drift = "the guard of forwarding stands in iptables too";
  return left.map(({ family }) => ({ drift, steps: [guardHandOverStep({ family, netns })] }));
}

/** The steps that take the guard away with the last owner who needs forwarding; to be run after he has left. */
export function guardTeardown(netns?: string): Step[] {
  return ([4, 6] as const).map((family) => guardOffStep({ family, netns }, forwardingFolder(netns)));
}

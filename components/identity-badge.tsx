// Whether a PC holds the identity it is told: a mark beside its name in the matrix, a badge with the words on its page.
import { BadgeCheck, CircleDashed, Copy, History, type LucideIcon } from "lucide-react";
import type { IdentityState, NodeIdentity } from "#lib/model/localization.ts";
import { Badge, type Tone } from "./ui/badge.tsx";

const LOOKS: Readonly<Record<IdentityState, { text: string; tone: Tone; icon: LucideIcon; mark: string }>> = {
  localized: { text: "Localized", tone: "ok", icon: BadgeCheck, mark: "text-ok" },
  stale: { text: "Identity is stale", tone: "warn", icon: History, mark: "text-warn" },
  "not-localized": { text: "Not localized", tone: "neutral", icon: CircleDashed, mark: "text-ink-3" },
  duplicate: { text: "Same as another PC", tone: "bad", icon: Copy, mark: "text-bad" },
};

export function IdentityBadge({ identity }: { identity: NodeIdentity }) {
  const { text, tone, icon } = LOOKS[identity.state];
  return (
    <span title={identity.words}>
      <Badge tone={tone} icon={icon}>
        {text}
      </Badge>
    </span>
  );
}

export function IdentityMark({ identity }: { identity: NodeIdentity }) {
  const { text, icon: Icon, mark } = LOOKS[identity.state];
  return (
    <span title={`${text}. ${identity.words}`} className={mark}>
      <Icon aria-hidden size={12} />
      <span className="sr-only">, {text.toLowerCase()}</span>
    </span>
  );
}

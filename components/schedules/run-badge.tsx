// A run's or delivery's state as a badge.
import type { DeliveryState, RunState } from "#lib/model/schedule.ts";
import { Badge } from "../ui/badge.tsx";
import { DELIVERY_LOOKS, RUN_STATE_LOOKS } from "./schedule-words.ts";

export function RunBadge({ state }: { state: RunState }) {
  const { text, tone, icon } = RUN_STATE_LOOKS[state];
  return (
    <Badge tone={tone} icon={icon}>
      {text}
    </Badge>
  );
}

export function DeliveryBadge({ state }: { state: DeliveryState }) {
  const { text, tone, icon } = DELIVERY_LOOKS[state];
  return (
    <Badge tone={tone} icon={icon}>
      {text}
    </Badge>
  );
}

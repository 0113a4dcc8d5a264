"use client";

// Chooses the moment a classroom goes back to: those that captured something, newest first, in the viewer's own time.
import { useSyncExternalStore } from "react";
import { SelectField } from "../ui/field.tsx";

export interface PickableMoment {
  readonly id: string;
  readonly title: string;
  readonly capturedUntil: string;
  /** How many PCs it captured; not said when the choice is about one PC. */
  readonly capturedCount?: number;
  /** What the form sends; the time itself when absent. */
  readonly value?: string;
}

export function MomentPicker({ name, moments }: { name: string; moments: readonly PickableMoment[] }) {
  const zone = useSyncExternalStore<string | undefined>(
    () => () => undefined,
    () => undefined,
    () => "UTC",
  );
  const format = new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone: zone,
  });
  return (
    <SelectField label="Go back to" name={name} required>
      {moments.map((moment) => (
        <option key={moment.id} value={moment.value ?? moment.capturedUntil}>
          {`${format.format(new Date(moment.capturedUntil))} · ${moment.title}${countText(moment.capturedCount)}`}
        </option>
      ))}
    </SelectField>
  );
}

function countText(count: number | undefined): string {
  if (count === undefined) return "";
  return count === 1 ? " (1 PC)" : ` (${count} PCs)`;
}

// A box to tick in a form, with its words and what they mean.
import type { ComponentProps } from "react";

export function Tick({
  label,
  hint,
  ...rest
}: Omit<ComponentProps<"input">, "type"> & { label: string; hint?: string }) {
  return (
    <label className="flex items-start gap-2 text-sm">
      <input type="checkbox" value="yes" className="mt-0.5" {...rest} />
      <span>
        {label}
        {hint === undefined ? null : <span className="block text-xs text-ink-3">{hint}</span>}
      </span>
    </label>
  );
}

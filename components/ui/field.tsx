// A labelled input. The label is always there; a placeholder is never the only name of a field.
import { type ComponentProps, type ReactNode, useId } from "react";
import { classNames } from "./class-names.ts";

export const INPUT_CLASS =
  "h-8 w-full min-w-0 rounded-md border border-line-strong bg-surface px-2.5 text-sm text-ink placeholder:text-ink-3";

export function TextField({
  label,
  hint,
  className,
  ...rest
}: ComponentProps<"input"> & { label: string; hint?: ReactNode }) {
  const id = useId();
  return (
    <div className={classNames("min-w-0", className)}>
      <label htmlFor={id} className="mb-1 block text-xs font-medium text-ink-2">
        {label}
      </label>
      <input id={id} aria-describedby={hint ? `${id}-hint` : undefined} className={INPUT_CLASS} {...rest} />
      {hint ? (
        <p id={`${id}-hint`} className="mt-1 text-xs text-ink-3">
          {hint}
        </p>
      ) : null}
    </div>
  );
}

export function SelectField({
  label,
  className,
  children,
  ...rest
}: ComponentProps<"select"> & { label: string }) {
  const id = useId();
  return (
    <div className={classNames("min-w-0", className)}>
      <label htmlFor={id} className="mb-1 block text-xs font-medium text-ink-2">
        {label}
      </label>
      <select id={id} className={INPUT_CLASS} {...rest}>
        {children}
      </select>
    </div>
  );
}

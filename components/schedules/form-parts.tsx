// Parts of the schedule's form: what it offers, a titled group of fields, and a tick with its words.
import { type ComponentProps, type ReactNode, useId } from "react";

/** What there is to choose from. */
export interface FormChoices {
  readonly groups: readonly { readonly id: string; readonly name: string }[];
  readonly nodes: readonly { readonly id: string; readonly name: string }[];
  readonly releases: readonly { readonly snapshotId: string; readonly label: string }[];
  readonly timeZone: string;
}

export function Fieldset({ legend, children }: { legend: string; children: ReactNode }) {
  return (
    <fieldset className="min-w-0">
      <legend className="mb-2 text-sm font-medium">{legend}</legend>
      <Fields>{children}</Fields>
    </fieldset>
  );
}

export function Fields({ children }: { children: ReactNode }) {
  return <div className="col-span-full grid gap-x-4 gap-y-3 sm:grid-cols-2 lg:grid-cols-4">{children}</div>;
}

export function CheckField({ label, ...rest }: ComponentProps<"input"> & { label: string }) {
  const id = useId();
  return (
    <span className="inline-flex items-center gap-1.5 text-sm">
      <input id={id} type="checkbox" className="size-4 accent-accent-fill" {...rest} />
      <label htmlFor={id}>{label}</label>
    </span>
  );
}

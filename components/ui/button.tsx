// The one button. The verb is in its text; the variant says how much it matters. Links that look like buttons are links.
import Link from "next/link";
import type { ComponentProps, ReactNode } from "react";
import { classNames } from "./class-names.ts";

export type ButtonVariant = "primary" | "secondary" | "quiet" | "danger";

const BASE =
  "inline-flex h-8 items-center justify-center gap-1.5 whitespace-nowrap rounded-md px-3 text-sm font-medium transition-colors disabled:cursor-not-allowed disabled:opacity-55";
const VARIANTS: Readonly<Record<ButtonVariant, string>> = {
  primary: "bg-accent-fill text-white hover:brightness-110",
  secondary: "border border-line-strong bg-surface text-ink hover:bg-sunken",
  quiet: "text-ink-2 hover:bg-sunken hover:text-ink",
  danger: "bg-bad-fill text-white hover:brightness-110",
};

export function buttonClass(variant: ButtonVariant = "secondary", extra?: string): string {
  return classNames(BASE, VARIANTS[variant], extra);
}

export function Button({
  variant,
  className,
  type = "button",
  ...rest
}: ComponentProps<"button"> & { variant?: ButtonVariant }) {
  return <button type={type} className={buttonClass(variant, className)} {...rest} />;
}

export function LinkButton({
  href,
  variant,
  children,
}: {
  href: string;
  variant?: ButtonVariant;
  children: ReactNode;
}) {
  return (
    <Link href={href} className={buttonClass(variant)}>
      {children}
    </Link>
  );
}

"use client";

// A modal question on the native <dialog>: focus is held inside, Escape closes, and the button that opened it gets the
// focus back, all by the browser.
import { X } from "lucide-react";
import { type ReactNode, useId, useRef } from "react";
import { type ButtonVariant, buttonClass } from "./button.tsx";

export function DialogButton({
  label,
  icon,
  variant = "secondary",
  title,
  disabled = false,
  children,
}: {
  label: string;
  icon?: ReactNode;
  variant?: ButtonVariant;
  title: string;
  disabled?: boolean;
  children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  return (
    <>
      <button
        type="button"
        aria-haspopup="dialog"
        disabled={disabled}
        className={buttonClass(variant)}
        onClick={() => dialog.current?.showModal()}
      >
        {icon}
        {label}
      </button>
      <dialog
        ref={dialog}
        aria-labelledby={titleId}
        className="max-h-[85dvh] w-[min(32rem,calc(100vw-2rem))] rounded-xl border border-line-strong bg-raised p-0 shadow-xl"
      >
        <div className="flex items-center justify-between gap-4 border-b border-line px-5 py-3">
          <h2 id={titleId} className="text-lg">
            {title}
          </h2>
          <button
            type="button"
            aria-label="Close"
            className="rounded-md p-1 text-ink-3 hover:bg-sunken hover:text-ink"
            onClick={() => dialog.current?.close()}
          >
            <X aria-hidden size={16} />
          </button>
        </div>
        <div className="px-5 py-4">{children}</div>
      </dialog>
    </>
  );
}

"use client";

// The menu on narrow screens: a native dialog, so that Escape and the back gesture close it.
import { Menu, X } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { type NavCounts, NavLinks } from "./nav-links.tsx";

export function MobileMenu({ counts, footer }: { counts: NavCounts; footer: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = () => dialog.current?.close();
  return (
    <>
      <button
        type="button"
        aria-label="Menu"
        aria-haspopup="dialog"
        className="rounded-md p-2 text-ink-2 hover:bg-sunken"
        onClick={() => dialog.current?.showModal()}
      >
        <Menu aria-hidden size={18} />
      </button>
      <dialog
        ref={dialog}
        aria-label="Menu"
        className="m-0 h-dvh max-h-none w-64 border-r border-line bg-surface p-3"
      >
        <div className="flex h-full flex-col">
          <button
            type="button"
            aria-label="Close menu"
            className="mb-2 self-end rounded-md p-2 text-ink-2 hover:bg-sunken"
            onClick={close}
          >
            <X aria-hidden size={18} />
          </button>
          <nav aria-label="Main" className="flex-1">
            <NavLinks counts={counts} onChosen={close} />
          </nav>
          {footer}
        </div>
      </dialog>
    </>
  );
}

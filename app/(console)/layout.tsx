// The frame of every signed-in page: menu, counts of what waits, who is signed in. Reading the viewer here sends
// strangers to the sign-in page; each query asks for permission again by itself.

import { cookies } from "next/headers";
import type { ReactNode } from "react";
import { MobileMenu } from "#components/shell/mobile-menu.tsx";
import { Brand, NavLinks } from "#components/shell/nav-links.tsx";
import { SignOutButton } from "#components/shell/sign-out-button.tsx";
import { THEME_COOKIE, themeOf } from "#components/shell/theme.ts";
import { ThemeToggle } from "#components/shell/theme-toggle.tsx";
import { shellView } from "#lib/queries/shell.ts";
import { load } from "../load.ts";

export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  const { viewer, counts } = await load(async (viewer) => ({ viewer, counts: await shellView(viewer) }));
  const theme = themeOf((await cookies()).get(THEME_COOKIE)?.value);
  const account = (
    <div className="space-y-3 border-t border-line pt-3">
      <div className="flex items-center gap-2 px-1">
        <div className="min-w-0 flex-1 text-xs">
          <p className="truncate font-medium" title={viewer.email}>
            {viewer.name}
          </p>
          <p className="text-ink-3 capitalize">{viewer.role}</p>
        </div>
        <SignOutButton />
      </div>
      <ThemeToggle initial={theme} />
    </div>
  );
  return (
    <div className="lg:grid lg:grid-cols-[13.5rem_minmax(0,1fr)]">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded focus:bg-raised focus:px-3 focus:py-2"
      >
        Skip to content
      </a>
      <header className="sticky top-0 z-30 flex h-12 items-center justify-between border-b border-line bg-surface px-3 lg:hidden">
        <Brand />
        <MobileMenu counts={counts} footer={account} />
      </header>
      <aside className="sticky top-0 hidden h-dvh flex-col border-r border-line bg-surface px-3 py-4 lg:flex">
        <div className="px-1.5 pb-5">
          <Brand />
        </div>
        <nav aria-label="Main" className="flex-1">
          <NavLinks counts={counts} />
        </nav>
        {account}
      </aside>
      <main id="content" tabIndex={-1} className="min-w-0 px-4 py-5 outline-none sm:px-6 lg:px-8 lg:py-7">
        <div className="mx-auto max-w-[88rem]">{children}</div>
      </main>
    </div>
  );
}

// The only page a stranger sees.
import type { Metadata } from "next";
import { Brand } from "#components/shell/nav-links.tsx";
import { SignInForm } from "./sign-in-form.tsx";

export const metadata: Metadata = { title: "Sign in" };

export default function SignInPage() {
  return (
    <main className="grid min-h-dvh place-items-center px-4">
      <div className="w-full max-w-sm">
        <div className="mb-5 flex justify-center text-lg">
          <Brand />
        </div>
        <div className="rounded-xl border border-line bg-surface p-6">
          <h1 className="mb-4 text-lg">Sign in</h1>
          <SignInForm />
        </div>
        <p className="mt-4 text-center text-xs text-ink-3">
          The first start of the worker prints the administrator’s password once.
        </p>
      </div>
    </main>
  );
}

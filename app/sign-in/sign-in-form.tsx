"use client";

// Asks the session API directly and then loads the overview afresh. A wrong password and an unknown address get the same
// words, so that the form does not tell who has an account.
import { type FormEvent, useState } from "react";
import { buttonClass } from "#components/ui/button.tsx";
import { TextField } from "#components/ui/field.tsx";
import { Notice } from "#components/ui/notice.tsx";
import { SIGN_IN_DISABLED } from "#lib/model/people.ts";

interface Failure {
  readonly title: string;
  readonly hint: string;
}

export function SignInForm() {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setFailure(null);
    const failed = await signIn(String(form.get("email")), String(form.get("password")));
    if (failed === null) {
      window.location.assign("/");
      return;
    }
    setFailure(failed);
    setBusy(false);
  };
  return (
    <form method="post" onSubmit={submit} className="space-y-4">
      <TextField label="Email" name="email" type="email" autoComplete="username" required autoFocus />
      <TextField label="Password" name="password" type="password" autoComplete="current-password" required />
      {failure === null ? null : <Notice tone="bad" title={failure.title} hint={failure.hint} />}
      <button type="submit" disabled={busy} aria-busy={busy} className={buttonClass("primary", "w-full")}>
        {busy ? "Signing in…" : "Sign in"}
      </button>
    </form>
  );
}

/** Null when signed in. */
async function signIn(email: string, password: string): Promise<Failure | null> {
  const response = await fetch("/api/auth/sign-in/email", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password }),
  }).catch(() => null);
  if (response === null) {
    return { title: "The server did not answer.", hint: "Check the network, then try again." };
  }
  if (response.ok) return null;
  if (response.status === 429) {
    return { title: "Too many attempts.", hint: "Wait a minute, then try again." };
  }
  if (response.status >= 500) {
    return {
      title: "The server could not check the password.",
      hint: "The database may be down; try again soon.",
    };
  }
  if (response.status === 403) {
    return {
      title: "The server refuses sign-ins from this address.",
      hint: "Open the dashboard under the address that APP_URL names.",
    };
  }
  if (await saysDisabled(response)) {
    return {
      title: "This account is disabled.",
      hint: "An administrator can enable it under Settings, People.",
    };
  }
  return { title: "Email or password is wrong.", hint: "Check both and try again." };
}

/** Said only to somebody whose password is right (lib/auth/auth.ts). */
async function saysDisabled(response: Response): Promise<boolean> {
  const body: unknown = await response.json().catch(() => null); // not JSON: then it says nothing of the sort
  return typeof body === "object" && body !== null && "code" in body && body.code === SIGN_IN_DISABLED;
}

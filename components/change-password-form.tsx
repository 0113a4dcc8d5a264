"use client";

// Changes one's own password and ends every other session of the account.
import { type FormEvent, useState } from "react";
import { buttonClass } from "./ui/button.tsx";
import { TextField } from "./ui/field.tsx";
import { Notice, type NoticeTone } from "./ui/notice.tsx";

interface Result {
  readonly tone: NoticeTone;
  readonly title: string;
  readonly hint: string | null;
}

const CHARACTERS_MIN = 12;

export function ChangePasswordForm() {
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<Result | null>(null);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const element = event.currentTarget;
    const form = new FormData(element);
    setBusy(true);
    const answered = await changePassword(
      String(form.get("currentPassword")),
      String(form.get("newPassword")),
    );
    setBusy(false);
    setResult(answered);
    if (answered.tone === "ok") element.reset();
  };
  return (
    <form method="post" onSubmit={submit} className="space-y-4">
      <TextField
        label="Current password"
        name="currentPassword"
        type="password"
        autoComplete="current-password"
        required
      />
      <TextField
        label="New password"
        name="newPassword"
        type="password"
        autoComplete="new-password"
        minLength={CHARACTERS_MIN}
        hint={`At least ${CHARACTERS_MIN} characters; a few words are better than a few symbols.`}
        required
      />
      {result === null ? null : <Notice tone={result.tone} title={result.title} hint={result.hint} />}
      <button type="submit" disabled={busy} aria-busy={busy} className={buttonClass("secondary")}>
        Change password
      </button>
    </form>
  );
}

async function changePassword(currentPassword: string, newPassword: string): Promise<Result> {
  const response = await fetch("/api/auth/change-password", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ currentPassword, newPassword, revokeOtherSessions: true }),
  }).catch(() => null);
  if (response?.ok) {
    return {
      tone: "ok",
      title: "The password is changed.",
      hint: "Other sessions of this account are signed out.",
    };
  }
  if (response === null || response.status >= 500) {
    return { tone: "bad", title: "The server could not change it.", hint: "Nothing was changed; try again." };
  }
  return { tone: "bad", title: "The current password is wrong.", hint: "Check it and try again." };
}

"use client";

// Ends the session and leaves for the sign-in page with a full load, so that nothing seen before stays in memory.
import { LogOut } from "lucide-react";
import { useState } from "react";

export function SignOutButton() {
  const [failed, setFailed] = useState(false);
  const signOut = async () => {
    const response = await fetch("/api/auth/sign-out", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    }).catch(() => null);
    if (response?.ok) window.location.assign("/sign-in");
    else setFailed(true);
  };
  return (
    <button
      type="button"
      onClick={signOut}
      aria-label="Sign out"
      title={failed ? "Signing out failed: the server did not answer. Try again." : "Sign out"}
      className="rounded-md p-1.5 text-ink-3 hover:bg-sunken hover:text-ink"
    >
      <LogOut aria-hidden size={15} className={failed ? "text-bad" : undefined} />
    </button>
  );
}

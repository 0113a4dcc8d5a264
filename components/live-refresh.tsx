"use client";

// Keeps a server-drawn page true while jobs run: listens to /api/events and asks the server to draw again, at most once
// per second. Without a working stream it asks every few seconds instead, so a blocked stream costs freshness, never truth.
import { useRouter } from "next/navigation";
import { useEffect } from "react";

const REFRESH_MS_MIN = 1000;
const POLL_MS = 5000;

export function LiveRefresh({ jobId, poll = false }: { jobId?: string; poll?: boolean }) {
  const router = useRouter();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    let lastMs = 0;
    const refreshSoon = () => {
      if (timer !== null) return;
      const waitMs = Math.max(0, lastMs + REFRESH_MS_MIN - Date.now());
      timer = setTimeout(() => {
        timer = null;
        lastMs = Date.now();
        router.refresh();
      }, waitMs);
    };
    const stream = new EventSource(jobId ? `/api/events?job=${encodeURIComponent(jobId)}` : "/api/events");
    stream.addEventListener("job", refreshSoon);
    // A stream that was cut may have missed the last word.
    let cut = false;
    stream.onerror = () => {
      cut = true;
    };
    stream.onopen = () => {
      if (cut) refreshSoon();
      cut = false;
    };
    const polling = setInterval(() => {
      if ((poll || cut) && document.visibilityState === "visible") refreshSoon();
    }, POLL_MS);
    return () => {
      stream.close();
      clearInterval(polling);
      if (timer !== null) clearTimeout(timer);
    };
  }, [router, jobId, poll]);
  return null;
}

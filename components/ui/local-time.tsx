"use client";

// A moment in the viewer's own zone. The server does not know that zone, so it writes UTC and the browser rewrites it
// after it has taken over; both are right, and the machine-readable time never changes.
import { useSyncExternalStore } from "react";

export type TimeStyle = "moment" | "time" | "day" | "ago";

const FORMATS: Readonly<Record<Exclude<TimeStyle, "ago">, Intl.DateTimeFormatOptions>> = {
  moment: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  day: { weekday: "short", day: "numeric", month: "short" },
};
const FULL: Intl.DateTimeFormatOptions = { dateStyle: "full", timeStyle: "medium" };
const TICK_MS = 15_000;

export function LocalTime({ iso, style = "moment" }: { iso: string; style?: TimeStyle }) {
  const inBrowser = useSyncExternalStore(
    subscribeNever,
    () => true,
    () => false,
  );
  const nowMs = useSyncExternalStore(
    style === "ago" ? subscribeTick : subscribeNever,
    () => Math.floor(Date.now() / TICK_MS) * TICK_MS,
    () => Math.floor(Date.now() / TICK_MS) * TICK_MS,
  );
  const date = new Date(iso);
  const zone = inBrowser ? undefined : "UTC";
  const format = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone }).format(date);
  const text = style === "ago" ? agoText(nowMs - date.getTime()) : format(FORMATS[style]);
  return (
    <time dateTime={iso} title={format(FULL)} className="whitespace-nowrap" suppressHydrationWarning>
      {text}
    </time>
  );
}

function agoText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

function subscribeNever(): () => void {
  return () => undefined;
}

function subscribeTick(onTick: () => void): () => void {
  const timer = setInterval(onTick, TICK_MS);
  return () => clearInterval(timer);
}

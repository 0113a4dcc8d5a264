"use client";

// False while the server draws and at the first draw in the browser, then true: for what only a browser knows (sizes, zones).
import { useSyncExternalStore } from "react";

export function useInBrowser(): boolean {
  return useSyncExternalStore(
    () => () => undefined,
    () => true,
    () => false,
  );
}

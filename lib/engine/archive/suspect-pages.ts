// Pages of a parent image that lie in packs known to be bad, or gone. They are not taken over: the archive stores their content again,
// from the PC that still has it, and so the new snapshot is whole.
import type { PageEntry } from "../format/node-format.ts";
import type { BlockStore } from "../store/block-store.ts";

export function isSuspect(store: BlockStore, page: PageEntry): boolean {
  if (page.fillByte !== null) return false;
  for (let at = 0; at < page.runs.length; at += 2) {
    const start = page.runs[at] as number;
    const end = start + (page.runs[at + 1] as number);
    for (let id = start; start >= 0 && id < end; id = store.segments.endOfRow(id)) {
      if (store.isDistrusted(id)) return true;
    }
  }
  return false;
}

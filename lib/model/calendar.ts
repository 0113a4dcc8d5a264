// When scheduled work may begin, as people enter it. What that means in moments is computed in lib/schedule/windows.ts.

export interface MaintenanceWindow {
  readonly id: string;
  /** Null: for whatever has no windows of its own. */
  readonly groupId: string | null;
  /** 0 is Sunday. */
  readonly days: readonly number[];
  /** Minutes since midnight by the wall clock; `to` not after `from`: it ends on the next day. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** IANA name. */
  readonly timeZone: string;
}

export interface Blackout {
  readonly id: string;
  /** Null: everywhere. */
  readonly groupId: string | null;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  /** The calendar it was imported from. */
  readonly source: string | null;
}

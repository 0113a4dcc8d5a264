// What the processes of one emulated classroom are told, as JSON on their command line.

export interface RoomWish {
  /** Holds `target`, `hashes` and one disk per PC. */
  readonly folder: string;
  readonly pcCount: number;
  readonly pageBytes: number;
  readonly imageBytes: number;
  /** Megabits a second of each port of the switch. */
  readonly lineMbit: number;
  /** Of each PC: the share of its pages that differ from the target. */
  readonly lacking: readonly number[];
  /** Of each PC: bytes a millisecond that its disk takes; null for as many as it likes. */
  readonly diskRates: readonly (number | null)[];
  /** Chains side by side; as many as PCs make a star. */
  readonly chains: number;
  readonly fault: Fault | null;
}

export interface Fault {
  /** "coordinator": it begins anew and knows nothing. */
  readonly kind: "kill" | "unplug" | "coordinator";
  /** Ranks in the chain. */
  readonly ranks: readonly number[];
  /** Of the time that the image takes on the line. */
  readonly atShare: number;
}

export interface PcWish {
  readonly nodeId: string;
  readonly host: string;
  readonly sourceHost: string;
  /** Where it reports to. */
  readonly deskHost: string;
  readonly disk: string;
  readonly hashes: string;
  readonly pageBytes: number;
  readonly imageBytes: number;
  readonly diskRate: number | null;
}

export interface RoomResult {
  /** From the word "go" until each PC had everything on its disk; null for those that the fault took. */
  readonly doneSeconds: readonly (number | null)[];
  /** Until the last of them. */
  readonly seconds: number;
  /** Of both cores, while it ran, whoever used them. */
  readonly cpuShare: number;
  readonly sourceBytes: number;
  readonly retransmits: number;
  /** PCs that the coordinator moved to the tail, and why. */
  readonly moves: readonly string[];
  /** Of those that ended: every byte as the target's. */
  readonly allRight: boolean;
}

export const SOURCE_PORT = 7000;
export const REPORT_PORT = 7001;
export const CHAIN = { chainId: "bench", secret: "5a".repeat(32) } as const;

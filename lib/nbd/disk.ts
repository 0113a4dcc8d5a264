// What is served: a disk of bytes that never change.

export interface NbdDisk {
  /** Clients may ask for it by this name, or by the empty one. */
  readonly name: string;
  readonly description: string;
  readonly sizeBytes: number;
  /** Fills `into` completely or throws. Several at once. */
  read(offsetBytes: number, into: Uint8Array): Promise<void>;
  /** The range as runs of data and zeros; at most `runsMax`, so perhaps not to the end, but at least one. */
  zeroRuns(
    offsetBytes: number,
    lengthBytes: number,
    runsMax: number,
  ): Promise<{ readonly lengthBytes: number; readonly zero: boolean }[]>;
}

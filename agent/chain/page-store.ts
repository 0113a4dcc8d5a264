// What a chain fills: the partitions of a PC, or whatever stands for them.

/** A page as it travels, and its bytes while they are needed here. */
export interface ChainPage {
  readonly frame: Buffer;
  readonly bytes: Uint8Array;
}

/** What looking at a stretch of the disk has shown. */
export interface PageScan {
  /** Of each page: it is what it shall be. */
  readonly isThere: readonly boolean[];
  /** Pages whose content may lie elsewhere on the disk, at present or for good. */
  readonly elsewhere: readonly Elsewhere[];
}

export interface Elsewhere {
  readonly page: number;
  readonly from: number;
}

/** What is to be filled, as one row of pages. */
export interface PageStore {
  readonly pageCount: number;
  /** Written last: what makes an image look whole. */
  readonly firstPages: readonly number[];
  /** Stretches to look at one by one, in the order to look. */
  readonly batches: readonly { readonly first: number; readonly count: number }[];
  lengthOf(page: number): number;
  /** Looks at these pages, all of one batch; with `canWrite`, pages that need nobody are made what they shall be. */
  scan(first: number, count: number, canWrite: boolean): Promise<PageScan>;
  /** The content of `page`, read from where `from` lies; null when it is not there (any more). */
  copyOf(page: number, from: number): Promise<ChainPage | null>;
  /** A page from above, checked; null when its content is not what it shall be. */
  open(frame: Buffer): Promise<{ readonly page: number; readonly content: ChainPage } | null>;
  write(page: number, content: ChainPage): Promise<void>;
  /** Null when it does not hold the page (any more). */
  read(page: number): Promise<ChainPage | null>;
}

// What restores read from, whatever the bytes are made of: an image as it is stored, one whose tokens are replaced for a PC, or a
// volume that was made for it. Whoever sends pages knows no difference.
import type { ImageReader } from "#lib/engine/repository.ts";

export type ServedImage = Pick<ImageReader, "pageRecords" | "readPages" | "close">;

/** One that is some PC's own: its content follows from nobody's snapshot. */
export interface LocalizedImage extends ServedImage {
  /** Hex. */
  readonly contentRoot: string;
}

// The pages of all partitions that a chain carries, as one row: partition after partition. What lies outside partitions is not
// part of it, since it is small and may differ from PC to PC.
import { DISK_LAYOUT } from "#lib/model/node.ts";
import { pageCountOf, pageLength } from "#lib/page/page.ts";
import { imageTag } from "#lib/protocol/frames.ts";

export interface SpaceImage {
  /** The number requests name it by. */
  readonly image: number;
  readonly partition: string;
  readonly sizeBytes: number;
}

export interface PagePlace {
  /** Position among the space's images. */
  readonly position: number;
  readonly pageIndex: number;
  readonly lengthBytes: number;
}

export class PageSpace<Image extends SpaceImage> {
  readonly images: readonly Image[];
  readonly pageCount: number;
  readonly #firstPages: readonly number[];

  constructor(images: readonly Image[]) {
    this.images = images.filter(({ partition }) => partition !== DISK_LAYOUT);
    const firstPages: number[] = [];
    let pageCount = 0;
    for (const { sizeBytes } of this.images) {
      firstPages.push(pageCount);
      pageCount += pageCountOf(sizeBytes);
    }
    this.#firstPages = firstPages;
    this.pageCount = pageCount;
  }

  /** The first page of each image: what makes it look whole. */
  get firstPages(): readonly number[] {
    return this.#firstPages;
  }

  placeOf(page: number): PagePlace {
    let position = this.#firstPages.length - 1;
    while (position > 0 && (this.#firstPages[position] ?? 0) > page) position -= 1;
    const image = this.images[position];
    if (image === undefined || page < 0 || page >= this.pageCount)
      throw new Error(`There is no page ${page}.`);
    const pageIndex = page - (this.#firstPages[position] ?? 0);
    return { position, pageIndex, lengthBytes: pageLength(image.sizeBytes, pageIndex) };
  }

  pageAt(position: number, pageIndex: number): number {
    return (this.#firstPages[position] ?? 0) + pageIndex;
  }
}

/** Binds a frame to its chain and partition. */
export function chainTag(chainId: string, position: number): Uint8Array {
  return imageTag(chainId, "chain", String(position));
}

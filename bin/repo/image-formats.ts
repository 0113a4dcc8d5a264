// The formats in which an image leaves or enters a repository, and the streams that pack and unpack them.
//
// raw.gz is one gzip member, raw.zst one zstd frame with its length and a checksum; what comes from elsewhere may
// consist of several. qcow2 is no stream: lib/image reads and writes it at places.
import type { Transform } from "node:stream";
import { constants, createGunzip, createGzip, createZstdCompress, createZstdDecompress } from "node:zlib";
import { Option } from "commander";

const IMAGE_FORMATS = ["raw", "raw.gz", "raw.zst", "qcow2"] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

export function formatOption(): Option {
  return new Option("--format <FORMAT>", "form of the image").choices(IMAGE_FORMATS).makeOptionMandatory();
}

/** Null where the bytes go out as they are. */
export function packerOf(format: "raw" | "raw.gz" | "raw.zst", sizeBytes: number): Transform | null {
  if (format === "raw.gz") return createGzip();
  if (format === "raw.zst")
    return createZstdCompress({
      pledgedSrcSize: sizeBytes,
      params: { [constants.ZSTD_c_checksumFlag]: 1 },
    });
  return null;
}

/** Null where the bytes come in as they are. */
export function unpackerOf(format: "raw" | "raw.gz" | "raw.zst"): Transform | null {
  if (format === "raw.gz") return createGunzip();
  return format === "raw.zst" ? createZstdDecompress() : null;
}

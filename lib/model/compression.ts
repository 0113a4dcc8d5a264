// How block data is compressed: the words a person types ("none", "gzip", "zstd", "zstd:19") as a value and back.

export const CODECS = ["none", "gzip", "zstd"] as const;
export type Codec = (typeof CODECS)[number];

export interface Compression {
  readonly codec: Codec;
  /** 0 for "none". */
  readonly level: number;
}

const LEVELS: Record<Codec, { readonly min: number; readonly usual: number; readonly max: number }> = {
  none: { min: 0, usual: 0, max: 0 },
  gzip: { min: 1, usual: 6, max: 9 },
  // Above 19 zstd wants memory by the gigabyte, for segments that gain nothing from it.
  zstd: { min: 1, usual: 3, max: 19 },
};

export const USUAL_COMPRESSION: Compression = { codec: "zstd", level: LEVELS.zstd.usual };

/** Null for anything that is not a compression. */
export function parseCompression(text: string): Compression | null {
  const match = /^([a-z]+)(?::([0-9]{1,2}))?$/.exec(text.trim());
  const codec = CODECS.find((known) => known === match?.[1]);
  if (match === null || codec === undefined) return null;
  const level = match[2] === undefined ? LEVELS[codec].usual : Number(match[2]);
  const compression = { codec, level };
  return isCompression(compression) && !(codec === "none" && match[2] !== undefined) ? compression : null;
}

export function isCompression({ codec, level }: Compression): boolean {
  const bounds = CODECS.includes(codec) ? LEVELS[codec] : null;
  return bounds !== null && Number.isInteger(level) && level >= bounds.min && level <= bounds.max;
}

export function compressionInWords({ codec, level }: Compression): string {
  return level === LEVELS[codec].usual ? codec : `${codec}:${level}`;
}

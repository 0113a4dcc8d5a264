// Reads the parts of sealed packs: footers, digest columns, single segments. Every byte that leaves here has been
// checked against a hash or checksum of the pack; anything wrong is CodedError "pack-corrupt" naming the file.
import { createHash } from "node:crypto";
import { CodedError } from "#lib/model/errors.ts";
import { sameHash } from "#lib/page/page.ts";
import { ensure, FormatError } from "../format/bytes.ts";
import {
  DIGEST_BYTES,
  type Directory,
  decodeDirectory,
  decodeTrailer,
  type FooterPlace,
  HEADER_BYTES,
  PACK_BYTES_MAX,
  type PackIdentity,
  TRAILER_BYTES,
} from "../format/pack-format.ts";
import type { Storage, StoredFile } from "../storage/storage.ts";

export interface PackFooter extends Directory {
  readonly place: FooterPlace;
}

export function corruptPack(name: string, cause: FormatError): CodedError {
  return new CodedError("pack-corrupt", `The pack ${name} is damaged: ${cause.message}.`, {
    hint: "Put the file back from a copy of the repository, then verify. Other packs are not affected.",
    facts: { file: name },
    cause,
  });
}

/** Runs `read`, naming the pack in whatever it finds wrong. */
export async function namingPack<Value>(name: string, read: () => Promise<Value> | Value): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof FormatError) throw corruptPack(name, error);
    throw error;
  }
}

export async function readFooter(
  storage: Storage,
  file: StoredFile,
  identity: PackIdentity,
): Promise<PackFooter> {
  return namingPack(file.name, async () => {
    ensure(file.sizeBytes >= HEADER_BYTES + TRAILER_BYTES, `${file.sizeBytes} bytes are too few for a pack`);
    ensure(file.sizeBytes <= PACK_BYTES_MAX, `${file.sizeBytes} bytes are too many for a pack`);
    const trailer = new Uint8Array(TRAILER_BYTES);
    await storage.readAt(file.name, file.sizeBytes - TRAILER_BYTES, trailer);
    const place = decodeTrailer(trailer, file.sizeBytes, identity.repositoryId);
    const directory = new Uint8Array(place.directoryBytes);
    await storage.readAt(file.name, place.footerOffset, directory);
    return { ...decodeDirectory(directory, place, identity), place };
  });
}

export async function readDigests(storage: Storage, name: string, footer: PackFooter): Promise<Uint8Array> {
  return namingPack(name, async () => {
    const digests = new Uint8Array(footer.place.blockCount * DIGEST_BYTES);
    await storage.readAt(name, footer.place.digestOffset, digests);
    const hash = createHash("sha256").update(digests).digest();
    ensure(sameHash(hash, footer.digestHash), "the digest column's hash does not fit");
    return digests;
  });
}

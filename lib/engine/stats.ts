// Sizes, counted from the files and manifests as they are.
import { packFolder } from "./format/pack-format.ts";
import { SNAPSHOT_FOLDER } from "./format/snapshot-format.ts";
import type { RepositoryState } from "./repository-state.ts";
import type { RepositoryStats } from "./types.ts";

export async function statsOf(state: RepositoryState): Promise<RepositoryStats> {
  const files = await state.storage.list("");
  const bytesIn = (folder: string) =>
    files.filter((file) => file.name.startsWith(`${folder}/`)).reduce((sum, file) => sum + file.sizeBytes, 0);
  const images = state.stored.flatMap((snapshot) => snapshot.record.images);
  return {
    snapshotCount: state.stored.length,
    imageCount: images.length,
    logicalBytes: images.reduce((sum, image) => sum + image.sizeBytes, 0),
    blockCount: state.data.segments.blockCount,
    uniqueBytes: state.data.segments.rawBytes,
    compressedBytes: state.data.segments.encodedBytes,
    dataPackBytes: bytesIn(packFolder("data")),
    nodePackBytes: bytesIn(packFolder("nodes")),
    snapshotBytes: bytesIn(SNAPSHOT_FOLDER),
    indexBytes: bytesIn("index"),
    storedBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    packCount: state.data.packs.present.length + state.nodes.packs.present.length,
  };
}

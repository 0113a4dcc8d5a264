// Sizes, counted from the files and manifests as they are.
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import { packFolder } from "./format/pack-format.ts";
import { SNAPSHOT_FOLDER } from "./format/snapshot-format.ts";
import type { RepositoryState } from "./repository-state.ts";
import { TEMPORARY_FOLDER } from "./storage/file-name.ts";
import type { ImageRecord, RepositoryStats, TechniqueStats } from "./types.ts";

export async function statsOf(state: RepositoryState): Promise<RepositoryStats> {
  const all = await state.storage.list("");
  const files = all.filter((file) => !file.name.startsWith(`${TEMPORARY_FOLDER}/`));
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
    techniques: techniqueStats(images),
  };
}

function techniqueStats(images: readonly ImageRecord[]): TechniqueStats[] {
  return TECHNIQUES.map((technique) => {
    const ours = images.filter((image) => image.technique === technique);
    const sum = (size: (image: ImageRecord) => number) =>
      ours.reduce((total, image) => total + size(image), 0);
    return {
      technique,
      imageCount: ours.length,
      logicalBytes: sum((image) => image.sizeBytes),
      newBytes: sum((image) => image.newBytes),
      storedBytes: sum((image) => image.storedBytes),
    };
  }).filter((stats) => stats.imageCount > 0);
}

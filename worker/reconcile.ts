// After opening the repository: rows follow it. A snapshot committed just before a crash gets its row now; a row whose snapshot the
// repository no longer has is marked, because it cannot be restored.
import { recordRepository } from "#lib/db/repositories.ts";
import { jobIdOfTask, recordSnapshot, setVerifyState, snapshotIdsOf } from "#lib/db/snapshots.ts";
import type { Repository } from "#lib/engine/repository.ts";
import { log } from "./log.ts";

export async function reconcile(repository: Repository, path: string): Promise<void> {
  const { id, blockSize } = repository.info;
  await recordRepository({ id, name: "Main repository", path, blockSize });
  const rows = await snapshotIdsOf(id);
  const stored = repository.snapshots();
  const unrecorded = stored.filter((snapshot) => !rows.has(snapshot.id));
  for (const record of unrecorded) {
    const jobId = record.requestId === null ? null : await jobIdOfTask(record.requestId);
    await recordSnapshot(record, { repositoryId: id, jobId });
  }
  const storedIds = new Set(stored.map((snapshot) => snapshot.id));
  const gone = [...rows].filter((snapshotId) => !storedIds.has(snapshotId));
  await setVerifyState(gone, "corrupt");
  if (unrecorded.length > 0)
    log("info", `Recorded ${unrecorded.length} snapshots that the repository had and the rows lacked`);
  if (gone.length > 0) {
    log(
      "error",
      `${gone.length} snapshots are missing in ${path}: ${gone.slice(0, 5).join(", ")}; marked as corrupt`,
    );
  }
}

// After opening the repository: rows follow it. A snapshot committed just before a crash gets its row now; a row whose snapshot the
// repository no longer has is marked, because it cannot be restored.
import { adopt, planAdoptionOf } from "#lib/db/adoption.ts";
import { recordPins } from "#lib/db/pins.ts";
import type { Repository } from "#lib/engine/repository.ts";
import { log } from "./log.ts";

export async function reconcile(repository: Repository, path: string): Promise<void> {
  const { id, blockSize, technique } = repository.info;
  const store = { id, path, blockSize, technique, snapshots: repository.snapshots() };
  const plan = await planAdoptionOf(store);
  await adopt(store, plan);
  await recordPins(id, repository.pins());
  const made = plan.unrecorded.length + plan.differing.length;
  if (made > 0) log("info", `Recorded ${made} snapshots that the repository had and the rows lacked`);
  if (plan.goneIds.length > 0) {
    log(
      "error",
      `${plan.goneIds.length} snapshots are missing in ${path}: ${plan.goneIds.slice(0, 5).join(", ")}; marked as corrupt`,
    );
  }
}

// What "Mark as master…" means: the snapshot becomes the next release of a master, with a line that says what is new, and is pinned,
// so that what classrooms were made of stays. The worker looks through its bytes for tokens. Withdrawing a release takes the mark away; the pin stays until it is unpinned.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { findSpecBefore, setSpec } from "#lib/db/localizations.ts";
import { createReleaseOnce, deleteRelease, findRelease, type Release } from "#lib/db/releases.ts";
import { findSnapshot } from "#lib/db/snapshots.ts";
import { CodedError } from "#lib/model/errors.ts";
import { Id, Label, parseInput, RequestId } from "./input.ts";
import { wishTokenScan } from "./look-for-tokens.ts";
import { pinSnapshot } from "./pin-snapshot.ts";

export const ReleaseMasterInput = z.object({
  requestId: RequestId,
  snapshotId: Id,
  masterName: Label,
  note: z.string().trim().min(1, "must say what is new in it").max(500),
});
export const WithdrawReleaseInput = z.object({ releaseId: Id });

export async function releaseMaster(
  viewer: Viewer,
  input: z.input<typeof ReleaseMasterInput>,
): Promise<{ readonly release: Release }> {
  permit(viewer, "release");
  const { requestId, snapshotId, masterName, note } = parseInput(ReleaseMasterInput, input);
  const snapshot = await findSnapshot(snapshotId);
  if (snapshot === null) throw new CodedError("snapshot-unknown", `There is no snapshot ${snapshotId}.`);
  if (snapshot.verifyState === "corrupt") {
    throw new CodedError("snapshot-corrupt", "The snapshot is marked corrupt: no PC could be made from it.", {
      hint: "Release another one, or bring its packs back and verify it.",
    });
  }
  const wished = { requestId, snapshotId, masterName, note, createdBy: viewer.id };
  const { release, created } = await createReleaseOnce(wished);
  if (created) {
    await recordAudit(viewer.id, "release-master", snapshotId, { masterName, number: release.number });
    await inheritSpec(release);
  }
  await wishTokenScan(viewer, { requestId: `${requestId}-scan`, snapshotId });
  if (snapshot.pinReason === null) {
    const reason = `Release ${release.number} of master ${masterName}`;
    await pinSnapshot(viewer, { requestId: `${requestId}-pin`, snapshotId, reason });
  }
  return { release };
}

/** What was declared for the master's last release holds for the next, until somebody says otherwise. */
async function inheritSpec({ id, masterName, number }: Release): Promise<void> {
  const before = await findSpecBefore(masterName, number);
  if (before !== null) await setSpec(id, before);
}

export async function withdrawRelease(
  viewer: Viewer,
  input: z.input<typeof WithdrawReleaseInput>,
): Promise<void> {
  permit(viewer, "release");
  const { releaseId } = parseInput(WithdrawReleaseInput, input);
  const release = await findRelease({ id: releaseId });
  if (release === null || !(await deleteRelease(releaseId))) {
    throw new CodedError("release-unknown", "There is no such release (any more).", {
      hint: "Reload the page.",
    });
  }
  const { snapshotId, masterName, number } = release;
  await recordAudit(viewer.id, "withdraw-release", snapshotId, { masterName, number });
}

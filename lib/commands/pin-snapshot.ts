// What the buttons "Pin" and "Unpin" mean: a person's word that a snapshot stays whatever the rules say, and its end. The repository
// keeps it, so a job of the worker's carries it there.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { findRelease } from "#lib/db/releases.ts";
import { findSnapshot } from "#lib/db/snapshots.ts";
import { CodedError } from "#lib/model/errors.ts";
import { Id, parseInput, RequestId } from "./input.ts";
import { wish } from "./wish.ts";

/** As the engine has it. */
const REASON_CHARACTERS_MAX = 1024;

export const PinSnapshotInput = z.object({
  requestId: RequestId,
  snapshotId: Id,
  /** Shown to whoever wants to remove it. */
  reason: z.string().trim().min(1, "must say why the snapshot stays").max(REASON_CHARACTERS_MAX),
});
export const UnpinSnapshotInput = PinSnapshotInput.omit({ reason: true });

type Made = Promise<{ readonly jobId: string }>;

export async function pinSnapshot(viewer: Viewer, input: z.input<typeof PinSnapshotInput>): Made {
  permit(viewer, "pin");
  const { requestId, snapshotId, reason } = parseInput(PinSnapshotInput, input);
  return wishPin(viewer, { requestId, snapshotId, reason });
}

export async function unpinSnapshot(viewer: Viewer, input: z.input<typeof UnpinSnapshotInput>): Made {
  permit(viewer, "pin");
  const { requestId, snapshotId } = parseInput(UnpinSnapshotInput, input);
  const release = await findRelease({ snapshotId });
  if (release !== null) {
    throw new CodedError(
      "snapshot-pinned",
      `The snapshot is release ${release.number} of master "${release.masterName}".`,
      {
        hint: "Withdraw the release first: classrooms may still be made of it.",
      },
    );
  }
  return wishPin(viewer, { requestId, snapshotId, reason: null });
}

async function wishPin(
  viewer: Viewer,
  wished: { readonly requestId: string; readonly snapshotId: string; readonly reason: string | null },
): Made {
  const { requestId, snapshotId, reason } = wished;
  if ((await findSnapshot(snapshotId)) === null) {
    throw new CodedError("snapshot-unknown", `There is no snapshot ${snapshotId}.`);
  }
  return wish(
    viewer,
    {
      kind: "pin",
      requestId,
      title: reason === null ? `Unpin snapshot ${snapshotId}` : `Pin snapshot ${snapshotId}`,
      options: { snapshotId, reason },
      tasks: [{ kind: "pin", nodeId: null, snapshotId }],
      whenBusy: "refuse",
    },
    { subject: snapshotId, facts: reason === null ? { isPinned: false } : { isPinned: true, reason } },
  );
}

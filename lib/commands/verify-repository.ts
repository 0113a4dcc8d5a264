// What the button "Verify" means: re-read the repository, or what one snapshot needs of it.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { findSnapshot } from "#lib/db/snapshots.ts";
import { CodedError } from "#lib/model/errors.ts";
import { Id, parseInput, RequestId } from "./input.ts";
import { wish } from "./wish.ts";

export const VerifyRepositoryInput = z.object({ requestId: RequestId, snapshotId: Id.optional() });

export async function verifyRepository(
  viewer: Viewer,
  input: z.input<typeof VerifyRepositoryInput>,
): Promise<{ readonly jobId: string }> {
  permit(viewer, "verify");
  const { requestId, snapshotId } = parseInput(VerifyRepositoryInput, input);
  if (snapshotId !== undefined && (await findSnapshot(snapshotId)) === null) {
    throw new CodedError("snapshot-unknown", `There is no snapshot ${snapshotId}.`);
  }
  return wish(
    viewer,
    {
      kind: "verify",
      requestId,
      title: snapshotId === undefined ? "Verify the repository" : `Verify snapshot ${snapshotId}`,
      options: { snapshotId: snapshotId ?? null },
      tasks: [{ kind: "verify", nodeId: null, snapshotId: snapshotId ?? null }],
      whenBusy: "refuse",
    },
    { subject: snapshotId ?? "repository" },
  );
}

// What "Look for tokens" means: a job that looks through a release's bytes. Wished by itself when a snapshot becomes a master.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { findRelease } from "#lib/db/releases.ts";
import { CodedError } from "#lib/model/errors.ts";
import { Id, parseInput, RequestId } from "./input.ts";
import { wish } from "./wish.ts";

export const LookForTokensInput = z.object({ requestId: RequestId, releaseId: Id });

export async function lookForTokens(
  viewer: Viewer,
  input: z.input<typeof LookForTokensInput>,
): Promise<{ readonly jobId: string }> {
  permit(viewer, "release");
  const { requestId, releaseId } = parseInput(LookForTokensInput, input);
  const release = await findRelease({ id: releaseId });
  if (release === null)
    throw new CodedError("release-unknown", "There is no such release (any more).", {
      hint: "Reload the page.",
    });
  return wishTokenScan(viewer, { requestId, snapshotId: release.snapshotId });
}

export async function wishTokenScan(
  viewer: Viewer,
  { requestId, snapshotId }: { readonly requestId: string; readonly snapshotId: string },
): Promise<{ readonly jobId: string }> {
  return wish(
    viewer,
    {
      kind: "scan-tokens",
      requestId,
      title: "Look for tokens",
      options: { snapshotId },
      tasks: [{ kind: "scan-tokens", nodeId: null, snapshotId }],
      whenBusy: "refuse",
    },
    { subject: snapshotId },
  );
}

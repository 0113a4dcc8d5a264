// What the frame around every page shows: who is signed in, and what waits for attention.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { countActiveJobs } from "#lib/db/job-views.ts";
import { countPendingNodes } from "#lib/db/node-views.ts";

export interface ShellView {
  readonly pendingEnrolments: number;
  readonly runningJobs: number;
}

export async function shellView(viewer: Viewer): Promise<ShellView> {
  permit(viewer, "read");
  const [pendingEnrolments, runningJobs] = await Promise.all([countPendingNodes(), countActiveJobs()]);
  return { pendingEnrolments, runningJobs };
}

// The list of jobs: those under way, and what came before, newest first, a page at a time.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { type JobRow, listJobRows } from "#lib/db/job-views.ts";
import { FINAL_JOB_STATES, type JobState } from "#lib/model/job.ts";

const ACTIVE_MAX = 200;
const PAGE_SIZE = 50;

export interface JobsView {
  readonly active: readonly JobRow[];
  readonly ended: readonly JobRow[];
  readonly olderBefore: string | null;
}

export async function jobsView(
  viewer: Viewer,
  filter: { before: string | null; state: JobState | null },
): Promise<JobsView> {
  permit(viewer, "read");
  const states = filter.state === null ? FINAL_JOB_STATES : [filter.state];
  const [active, found] = await Promise.all([
    filter.before === null ? listJobRows({ states: ["queued", "running"] }, ACTIVE_MAX) : [],
    listJobRows({ states, before: filter.before }, PAGE_SIZE + 1),
  ]);
  const ended = found.slice(0, PAGE_SIZE);
  return {
    active,
    ended,
    olderBefore: found.length > PAGE_SIZE ? (ended.at(-1)?.createdAt ?? null) : null,
  };
}

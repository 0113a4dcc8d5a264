// Today's question, "is every room ready?": classrooms, what is running, how the last jobs ended, the store, the inbox.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { type JobRow, listJobRows } from "#lib/db/job-views.ts";
import { countPendingNodes } from "#lib/db/node-views.ts";
import { findNewestSampleRow, listRepositoryRows, type StorageSampleRow } from "#lib/db/storage-views.ts";
import { FINAL_JOB_STATES } from "#lib/model/job.ts";
import { type ClassroomCard, classroomsView } from "./classrooms.ts";

const RUNNING_MAX = 20;
const ENDED_MAX = 8;

export interface OverviewView {
  readonly classrooms: readonly ClassroomCard[];
  readonly looseNodeCount: number;
  readonly running: readonly JobRow[];
  readonly ended: readonly JobRow[];
  readonly storage: StorageSampleRow | null;
  readonly pendingEnrolments: number;
}

export async function overviewView(viewer: Viewer): Promise<OverviewView> {
  permit(viewer, "read");
  const [rooms, running, ended, repositories, pendingEnrolments] = await Promise.all([
    classroomsView(viewer),
    listJobRows({ states: ["queued", "running"] }, RUNNING_MAX),
    listJobRows({ states: FINAL_JOB_STATES }, ENDED_MAX),
    listRepositoryRows(),
    countPendingNodes(),
  ]);
  const first = repositories[0];
  return {
    classrooms: rooms.classrooms,
    looseNodeCount: rooms.looseNodes.length,
    running,
    ended,
    storage: first === undefined ? null : await findNewestSampleRow(first.id),
    pendingEnrolments,
  };
}

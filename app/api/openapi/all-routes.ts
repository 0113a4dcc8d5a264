// The routes that the OpenAPI document tells of. A test walks app/api/v1 and asks for what is missing here.

import * as bandwidth from "../v1/bandwidth/route.ts";
import * as blackoutsOfBlackoutId from "../v1/blackouts/[blackoutId]/route.ts";
import * as blackouts from "../v1/blackouts/route.ts";
import * as calendarsOfName from "../v1/calendars/[name]/route.ts";
import * as collections from "../v1/collections/route.ts";
import type { RouteDeclaration } from "../v1/declaration.ts";
import * as digest from "../v1/digest/route.ts";
import * as enrolmentKeysOfKeyId from "../v1/enrolment-keys/[keyId]/route.ts";
import * as enrolmentKeys from "../v1/enrolment-keys/route.ts";
import * as enrolmentsOfNodeIdApprove from "../v1/enrolments/[nodeId]/approve/route.ts";
import * as enrolmentsOfNodeIdRefuse from "../v1/enrolments/[nodeId]/refuse/route.ts";
import * as evaluations from "../v1/evaluations/route.ts";
import * as groupsOfGroupIdSnapshots from "../v1/groups/[groupId]/snapshots/route.ts";
import * as groups from "../v1/groups/route.ts";
import * as identityFilesOfFileId from "../v1/identity-files/[fileId]/route.ts";
import * as identityFiles from "../v1/identity-files/route.ts";
import * as jobsOfJobIdCancel from "../v1/jobs/[jobId]/cancel/route.ts";
import * as jobsOfJobIdRetry from "../v1/jobs/[jobId]/retry/route.ts";
import * as jobsOfJobId from "../v1/jobs/[jobId]/route.ts";
import * as jobs from "../v1/jobs/route.ts";
import * as mailServer from "../v1/mail-server/route.ts";
import * as mastersOfReleaseIdLocalization from "../v1/masters/[releaseId]/localization/route.ts";
import * as mastersOfReleaseIdPreview from "../v1/masters/[releaseId]/preview/route.ts";
import * as mastersOfReleaseId from "../v1/masters/[releaseId]/route.ts";
import * as mastersOfReleaseIdTokenScans from "../v1/masters/[releaseId]/token-scans/route.ts";
import * as masters from "../v1/masters/route.ts";
import * as nodesOfNodeIdSnapshots from "../v1/nodes/[nodeId]/snapshots/route.ts";
import * as nodes from "../v1/nodes/route.ts";
import * as plansOfPlanIdApply from "../v1/plans/[planId]/apply/route.ts";
import * as plans from "../v1/plans/route.ts";
import * as prunes from "../v1/prunes/route.ts";
import * as reSegmentations from "../v1/re-segmentations/route.ts";
import * as recipientsOfRecipientId from "../v1/recipients/[recipientId]/route.ts";
import * as recipientsOfRecipientIdTest from "../v1/recipients/[recipientId]/test/route.ts";
import * as recipients from "../v1/recipients/route.ts";
import * as schedulesOfScheduleId from "../v1/schedules/[scheduleId]/route.ts";
import * as schedulesOfScheduleIdRuns from "../v1/schedules/[scheduleId]/runs/route.ts";
import * as schedules from "../v1/schedules/route.ts";
import * as scrubs from "../v1/scrubs/route.ts";
import * as snapshotsOfSnapshotIdPin from "../v1/snapshots/[snapshotId]/pin/route.ts";
import * as snapshots from "../v1/snapshots/route.ts";
import * as storage from "../v1/storage/route.ts";
import * as variableNamesOfName from "../v1/variable-names/[name]/route.ts";
import * as variableNames from "../v1/variable-names/route.ts";
import * as variablesExportCsv from "../v1/variables/export.csv/route.ts";
import * as variablesGenerate from "../v1/variables/generate/route.ts";
import * as variablesImport from "../v1/variables/import/route.ts";
import * as variables from "../v1/variables/route.ts";
import * as verifications from "../v1/verifications/route.ts";
import * as windowsOfWindowId from "../v1/windows/[windowId]/route.ts";
import * as windows from "../v1/windows/route.ts";

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
export type Method = (typeof METHODS)[number];

export interface DeclaredRoute {
  readonly method: Method;
  readonly declaration: RouteDeclaration;
  /** What Next calls. */
  readonly handler: object;
}

/** What Next calls, by method; undeclared ones are left out. */
type RouteModule = Readonly<Partial<Record<Method, object>>>;

const ROUTE_MODULES: readonly RouteModule[] = [
  bandwidth,
  blackouts,
  blackoutsOfBlackoutId,
  calendarsOfName,
  collections,
  digest,
  enrolmentKeys,
  enrolmentKeysOfKeyId,
  enrolmentsOfNodeIdApprove,
  enrolmentsOfNodeIdRefuse,
  evaluations,
  groups,
  groupsOfGroupIdSnapshots,
  identityFiles,
  identityFilesOfFileId,
  jobs,
  jobsOfJobId,
  jobsOfJobIdCancel,
  jobsOfJobIdRetry,
  mailServer,
  masters,
  mastersOfReleaseId,
  mastersOfReleaseIdLocalization,
  mastersOfReleaseIdPreview,
  mastersOfReleaseIdTokenScans,
  nodes,
  nodesOfNodeIdSnapshots,
  plans,
  plansOfPlanIdApply,
  prunes,
  reSegmentations,
  recipients,
  recipientsOfRecipientId,
  recipientsOfRecipientIdTest,
  schedules,
  schedulesOfScheduleId,
  schedulesOfScheduleIdRuns,
  scrubs,
  snapshots,
  snapshotsOfSnapshotIdPin,
  storage,
  variableNames,
  variableNamesOfName,
  variables,
  variablesExportCsv,
  variablesGenerate,
  variablesImport,
  verifications,
  windows,
  windowsOfWindowId,
];

export const ALL_ROUTES: readonly DeclaredRoute[] = ROUTE_MODULES.flatMap(declaredRoutesOf);

function declaredRoutesOf(module: RouteModule): DeclaredRoute[] {
  return METHODS.flatMap((method) => {
    const handler = module[method];
    const declaration = declarationOf(handler);
    return handler === undefined || declaration === null ? [] : [{ method, declaration, handler }];
  });
}

/** What routeOf left on a handler; null when it was given no declaration. */
export function declarationOf(handler: object | undefined): RouteDeclaration | null {
  if (handler === undefined || !("declaration" in handler)) return null;
  return handler.declaration as RouteDeclaration; // only routeOf sets it
}

import { EvaluateSnapshotsInput, evaluateSnapshots } from "#lib/commands/evaluate-snapshots.ts";
import { JobMade } from "#lib/queries/api/answers/shared.ts";
import { Evaluation } from "#lib/queries/api/answers/storage.ts";
import { pageOf } from "#lib/queries/api/paging.ts";
import { EvaluationsAsked, showEvaluationsForApi } from "#lib/queries/api/show-evaluations.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/evaluations",
    summary: "Show the newest evaluation of each repository",
    permission: "read",
    query: EvaluationsAsked,
    answer: pageOf(Evaluation),
  },
  ({ viewer, query }) => showEvaluationsForApi(viewer, query),
);

export const POST = routeOf(
  {
    path: "/api/v1/evaluations",
    summary: "Compute what other techniques, block sizes and compressions would take",
    permission: "evaluate",
    input: EvaluateSnapshotsInput,
    answer: JobMade,
    status: 202,
  },
  ({ viewer, input }) => evaluateSnapshots(viewer, input),
);

import { EvaluateSnapshotsInput, evaluateSnapshots } from "#lib/commands/evaluate-snapshots.ts";
import { parseInput } from "#lib/commands/input.ts";
import { showEvaluationsForApi } from "#lib/queries/api/show-evaluations.ts";
import { bodyOf, requestIdOf, routeOf } from "../route-of.ts";

export const runtime = "nodejs";
export const GET = routeOf(async (viewer) => ({ items: await showEvaluationsForApi(viewer) }));
export const POST = routeOf(async (viewer, request) => {
  const input = { ...(await bodyOf(request)), requestId: requestIdOf(request) };
  return evaluateSnapshots(viewer, parseInput(EvaluateSnapshotsInput, input));
}, 202);

// GET /api/v1/evaluations: the newest evaluation of each repository, with its rows.
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { type EvaluationView, newestEvaluation } from "#lib/db/evaluations.ts";
import { listRepositories } from "#lib/db/repositories.ts";

export async function showEvaluationsForApi(
  viewer: Viewer,
): Promise<(EvaluationView & { repositoryId: string })[]> {
  permit(viewer, "read");
  const found: (EvaluationView & { repositoryId: string })[] = [];
  for (const { id } of await listRepositories()) {
    const evaluation = await newestEvaluation(id);
    if (evaluation !== null) found.push({ ...evaluation, repositoryId: id });
  }
  return found;
}

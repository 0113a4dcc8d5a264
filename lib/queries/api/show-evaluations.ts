// GET /api/v1/evaluations: the newest evaluation of each repository, with its rows.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { type EvaluationView, newestEvaluation } from "#lib/db/evaluations.ts";
import { listRepositories } from "#lib/db/repositories.ts";
import { type Page, pageFields, pageOfWhole } from "./paging.ts";

/** Each may have some thousand rows. */
export const EvaluationsAsked = z.object(pageFields({ usual: 20, max: 50 }));

export async function showEvaluationsForApi(
  viewer: Viewer,
  asked: z.output<typeof EvaluationsAsked>,
): Promise<Page<EvaluationView & { repositoryId: string }>> {
  permit(viewer, "read");
  const found: (EvaluationView & { repositoryId: string })[] = [];
  for (const { id } of await listRepositories()) {
    const evaluation = await newestEvaluation(id);
    if (evaluation !== null) found.push({ ...evaluation, repositoryId: id });
  }
  return pageOfWhole(found, asked, ({ repositoryId }) => [repositoryId]);
}

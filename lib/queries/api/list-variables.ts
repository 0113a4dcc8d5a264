// GET /api/v1/variables?groupId=: names, what holds for everything and for classrooms, what each PC gets and from where, and what
// several PCs have that only one may. Secrets are cells without a value.
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { readVariables } from "#lib/db/variables.ts";
import { namedDuplicates } from "#lib/localize/resolve-all.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { GridColumn, GridRow, NamedDuplicate } from "#lib/model/variable-grid.ts";
import { classroomRow, everywhereRow, gridColumns, nodeRows } from "../variable-rows.ts";

export interface VariablesAnswer {
  readonly names: readonly GridColumn[];
  readonly everywhere: GridRow;
  readonly classrooms: readonly GridRow[];
  readonly nodes: readonly GridRow[];
  readonly duplicates: readonly NamedDuplicate[];
}

/** `groupId` leaves out other classrooms and their PCs; duplicates are those of all PCs nevertheless. */
export async function listVariablesForApi(viewer: Viewer, groupId: string | null): Promise<VariablesAnswer> {
  permit(viewer, "read");
  const now = await readVariables();
  const groups = now.groups.filter(({ id }) => groupId === null || id === groupId);
  if (groupId !== null && groups.length === 0) {
    throw new CodedError("classroom-unknown", `There is no classroom ${groupId}.`);
  }
  return {
    names: gridColumns(now),
    everywhere: everywhereRow(now),
    classrooms: groups.map((group) => classroomRow(now, group)),
    nodes: nodeRows(
      now,
      now.nodes.filter((node) => groupId === null || node.groupId === groupId),
    ),
    duplicates: namedDuplicates(now.nodes, now.names, now.variables),
  };
}

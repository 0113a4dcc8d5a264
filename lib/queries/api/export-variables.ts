// GET /api/v1/variables/export.csv?groupId=: what PCs have of their own, as a table that an import reads back.
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { readVariables } from "#lib/db/variables.ts";
import { type ExportedTable, exportTable } from "#lib/localize/export-table.ts";

export async function exportVariables(viewer: Viewer, groupId: string | null): Promise<ExportedTable> {
  permit(viewer, "read");
  const { names, variables, nodes } = await readVariables();
  const chosen = nodes.filter((node) => groupId === null || node.groupId === groupId);
  return exportTable(names, variables, chosen);
}

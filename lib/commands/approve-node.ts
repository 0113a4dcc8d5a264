// What "Approve" in the enrolment inbox means: this PC's key is that node of that classroom.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { requireGroup } from "#lib/db/groups.ts";
import { approveNode as approveRow } from "#lib/db/nodes.ts";
import { Id, NodeName, parseInput } from "./input.ts";

export const ApproveNodeInput = z.object({
  nodeId: Id,
  name: NodeName,
  groupId: Id,
  seat: z.number().int().min(1).max(10_000).optional(),
});

export async function approveNode(viewer: Viewer, input: z.input<typeof ApproveNodeInput>): Promise<void> {
  permit(viewer, "enrol");
  const { nodeId, name, groupId, seat } = parseInput(ApproveNodeInput, input);
  await requireGroup(groupId);
  await approveRow(nodeId, { name, groupId, seat });
  await recordAudit(viewer.id, "approve-node", nodeId, { name, groupId });
}

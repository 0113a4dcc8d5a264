// What "Refuse" in the enrolment inbox means: this key never becomes a node.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { refuseNode as refuseRow } from "#lib/db/nodes.ts";
import { Id, parseInput } from "./input.ts";

export const RefuseNodeInput = z.object({ nodeId: Id });

export async function refuseNode(viewer: Viewer, input: z.input<typeof RefuseNodeInput>): Promise<void> {
  permit(viewer, "enrol");
  const { nodeId } = parseInput(RefuseNodeInput, input);
  await refuseRow(nodeId);
  await recordAudit(viewer.id, "refuse-node", nodeId, {});
}

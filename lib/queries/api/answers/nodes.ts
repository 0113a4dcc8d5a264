// PCs, classrooms and enrolment, as the API answers them.
import { z } from "zod";
import { NODE_LIFE_CYCLES } from "#lib/model/node.ts";
import { Count, Moment } from "./shared.ts";

export const NodeFields = z
  .object({
    id: z.string(),
    name: z.string(),
    groupId: z.string().nullable(),
    groupName: z.string().nullable(),
    seat: z.number().int().nullable(),
    lifeCycle: z.enum(NODE_LIFE_CYCLES),
    enrolmentCode: z.string().describe("What the PC shows while it waits for approval."),
    macAddress: z.string().nullable(),
    serialNumber: z.string().nullable(),
    agentVersion: z.string().nullable(),
    online: z.boolean(),
    lastSeenAt: Moment.nullable(),
  })
  .meta({ id: "Node" });

export const GroupFields = z.object({ id: z.string(), name: z.string() }).meta({ id: "Group" });

export const GroupWithCount = GroupFields.extend({ nodeCount: Count.describe("Enrolled PCs.") }).meta({
  id: "GroupWithCount",
});

export const NodeNamed = z.object({ nodeId: z.string() });

export const EnrolmentKeyMade = z.object({
  id: z.string(),
  secret: z.string().describe("For agents; it is not shown again."),
});
export const EnrolmentKeyNamed = z.object({ keyId: z.string() });

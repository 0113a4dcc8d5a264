import { CreateEnrolmentKeyInput, createEnrolmentKey } from "#lib/commands/create-enrolment-key.ts";
import { EnrolmentKeyMade } from "#lib/queries/api/answers/nodes.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/enrolment-keys",
    summary: "Make an enrolment key: PCs that present it come in without a click",
    permission: "manage-keys",
    input: CreateEnrolmentKeyInput,
    answer: EnrolmentKeyMade,
    status: 201,
  },
  ({ viewer, input }) => createEnrolmentKey(viewer, input),
);

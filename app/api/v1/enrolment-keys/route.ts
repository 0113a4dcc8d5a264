import { CreateEnrolmentKeyInput, createEnrolmentKey } from "#lib/commands/create-enrolment-key.ts";
import { parseInput } from "#lib/commands/input.ts";
import { bodyOf, routeOf } from "../route-of.ts";

export const runtime = "nodejs";
export const POST = routeOf(
  async (viewer, request) =>
    createEnrolmentKey(viewer, parseInput(CreateEnrolmentKeyInput, await bodyOf(request))),
  201,
);

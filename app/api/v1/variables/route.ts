import { z } from "zod";
import { SetVariablesInput, setVariables } from "#lib/commands/set-variables.ts";
import { ValuesChanged, VariableGrid } from "#lib/queries/api/answers/variables.ts";
import { listVariablesForApi } from "#lib/queries/api/list-variables.ts";
import { routeOf } from "../route-of.ts";
import { Flag, GroupAsked, isSet, LARGE_BODY_BYTES_MAX } from "./asked.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/variables",
    summary: "Show what each PC has of its own, and from where",
    permission: "read",
    query: GroupAsked,
    answer: VariableGrid,
  },
  ({ viewer, query }) => listVariablesForApi(viewer, query.groupId ?? null),
);

export const PUT = routeOf(
  {
    path: "/api/v1/variables",
    summary: "Set values, all or none; a dry run only says what would change",
    permission: "localize",
    query: z.object({ dryRun: Flag }),
    input: SetVariablesInput,
    bodyBytesMax: LARGE_BODY_BYTES_MAX,
    answer: ValuesChanged,
  },
  ({ viewer, query, input }) =>
    setVariables(viewer, { ...input, dryRun: input.dryRun || isSet(query.dryRun) }),
);

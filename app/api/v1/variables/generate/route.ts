import { z } from "zod";
import { GenerateValuesInput, generateValues } from "#lib/commands/generate-values.ts";
import { ValuesGenerated } from "#lib/queries/api/answers/variables.ts";
import { routeOf } from "../../route-of.ts";
import { Flag, isSet, LARGE_BODY_BYTES_MAX } from "../asked.ts";

export const runtime = "nodejs";

/** Whether it is a dry run may be said in the query string instead. */
const Input = GenerateValuesInput.extend({ dryRun: z.boolean().optional() });

export const POST = routeOf(
  {
    path: "/api/v1/variables/generate",
    summary: "Fill one variable of many PCs by a pattern, from a range of addresses or from a pool",
    permission: "localize",
    query: z.object({ dryRun: Flag }),
    input: Input,
    bodyBytesMax: LARGE_BODY_BYTES_MAX,
    answer: ValuesGenerated,
    repeated: "PCs that have got a value keep it, unless `replace` is said.",
  },
  ({ viewer, query, input }) =>
    generateValues(viewer, { ...input, dryRun: input.dryRun ?? isSet(query.dryRun) }),
);

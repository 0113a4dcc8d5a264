import { DefineVariableInput, defineVariable } from "#lib/commands/define-variable.ts";
import { VariableNameFields } from "#lib/queries/api/answers/variables.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/variable-names",
    summary: "Add a variable",
    permission: "localize",
    input: DefineVariableInput,
    answer: VariableNameFields,
    status: 201,
    repeated: "Refused as input-invalid, because the name is taken; nothing is made twice.",
  },
  ({ viewer, input }) => defineVariable(viewer, input),
);

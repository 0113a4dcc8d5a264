import {
  ChangeVariableInput,
  changeVariable,
  RemoveVariableInput,
  removeVariable,
} from "#lib/commands/define-variable.ts";
import { VariableNameFields, VariableRemoved } from "#lib/queries/api/answers/variables.ts";
import { routeOf } from "../../route-of.ts";

export const runtime = "nodejs";

export const PUT = routeOf(
  {
    path: "/api/v1/variable-names/{name}",
    summary: "Change a variable: what is said of it, and whether it is a secret",
    permission: "localize",
    input: ChangeVariableInput,
    answer: VariableNameFields,
  },
  ({ viewer, input }) => changeVariable(viewer, input),
);

export const DELETE = routeOf(
  {
    path: "/api/v1/variable-names/{name}",
    summary: "Remove a variable with all its values",
    permission: "localize",
    input: RemoveVariableInput,
    answer: VariableRemoved,
  },
  ({ viewer, input }) => removeVariable(viewer, input),
);

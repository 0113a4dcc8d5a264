import { ChangeVariableInput, changeVariable, removeVariable } from "#lib/commands/define-variable.ts";
import { parseInput } from "#lib/commands/input.ts";
import { bodyOf, routeOf } from "../../route-of.ts";

export const runtime = "nodejs";
export const PUT = routeOf<{ name: string }>(async (viewer, request, { name }) =>
  changeVariable(viewer, parseInput(ChangeVariableInput, { ...(await bodyOf(request)), name })),
);
export const DELETE = routeOf<{ name: string }>((viewer, _request, { name }) =>
  removeVariable(viewer, { name }),
);

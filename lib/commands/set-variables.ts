// What "Save" above the grid of variables means: many values, of PCs, classrooms and everything, all at once or none.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { SCOPES } from "#lib/model/localization.ts";
import type { ValuesPreview } from "#lib/model/variable-grid.ts";
import { decideValues, tryOrApply, WISHES_MAX } from "./decide-values.ts";
import { parseInput } from "./input.ts";

export const SetVariablesInput = z.object({
  values: z
    .array(
      z.object({
        name: z.string().max(64),
        scope: z.enum(SCOPES),
        /** PC or classroom; left out for everything. */
        scopeId: z.string().max(64).default(""),
        /** Null: cleared, so that the PC inherits again. */
        value: z.string().max(10_000).nullable(),
      }),
    )
    .min(1, "must name a value")
    .max(WISHES_MAX),
  dryRun: z.boolean().default(false),
});

export async function setVariables(
  viewer: Viewer,
  input: z.input<typeof SetVariablesInput>,
): Promise<ValuesPreview> {
  permit(viewer, "localize");
  const { values, dryRun } = parseInput(SetVariablesInput, input);
  const { preview } = await tryOrApply(viewer, { dryRun }, (now) => decideValues(now, values));
  return preview;
}

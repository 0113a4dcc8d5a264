// What a schedule says beyond its kind: the fields of the kind's own command, without those that each run fills in. A word that is not
// among them is refused, or a misspelt one would be found out on a Sunday at three.
import { z } from "zod";
import { CodedError } from "#lib/model/errors.ts";
import type { ScheduleKind } from "#lib/model/schedule.ts";
import { EvaluateSnapshotsInput } from "./evaluate-snapshots.ts";
import { Id, parseInput } from "./input.ts";
import { SnapshotNodesInput } from "./snapshot-nodes.ts";
import { CollectGarbageInput, PlanPruneInput, ReSegmentInput, ScrubRepositoryInput } from "./upkeep.ts";

const OfMaster = { snapshotId: Id, replaceLayouts: z.boolean().default(false) };

export const SCHEDULE_PARAMETERS = {
  snapshot: SnapshotNodesInput.pick({
    comment: true,
    technique: true,
    compression: true,
    base: true,
  }).strict(),
  /** Absent: to each PC's newest snapshot, which undoes what has been changed on it since. */
  "roll-back": z.strictObject({
    moment: z.iso.datetime({ offset: true }).optional(),
    /** A snapshot of each PC as it is comes first, so that this can be undone. */
    safety: z.boolean().default(false),
  }),
  clone: z.strictObject(OfMaster),
  localize: z.strictObject({ ...OfMaster, baseline: z.boolean().default(true) }),
  prune: PlanPruneInput.omit({ requestId: true }).strict(),
  gc: CollectGarbageInput.pick({ secondsMax: true }).strict(),
  scrub: ScrubRepositoryInput.omit({ requestId: true }).strict(),
  "re-segment": ReSegmentInput.omit({ requestId: true }).strict(),
  evaluate: EvaluateSnapshotsInput.omit({ requestId: true, snapshotIds: true }).strict(),
} as const satisfies Record<ScheduleKind, z.ZodType>;

export type ParametersOf<Kind extends ScheduleKind> = z.output<(typeof SCHEDULE_PARAMETERS)[Kind]>;

/** Of a schedule's row, checked again: another version may have written it. Throws `input-invalid`. */
export function parametersOf<Kind extends ScheduleKind>(
  kind: Kind,
  parameters: Readonly<Record<string, unknown>>,
): ParametersOf<Kind> {
  const schema: z.ZodType<unknown> = SCHEDULE_PARAMETERS[kind];
  return parseInput(schema, parameters) as ParametersOf<Kind>; // the kind's own schema
}

export function checkParameters(kind: ScheduleKind, parameters: Readonly<Record<string, unknown>>): void {
  const parsed = parametersOf(kind, parameters);
  if (kind !== "evaluate" || ("nodeId" in parsed && parsed.nodeId !== undefined)) return;
  throw new CodedError("input-invalid", "An evaluation by schedule needs a PC whose snapshots it takes.", {
    hint: "Choose the PC.",
  });
}

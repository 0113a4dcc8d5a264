// What makes copies of a release differ, as an operator declares it: which partition becomes the identity volume, which tokens are
// replaced and in how many places, which recipes run. What is not declared is never touched.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { setSpec } from "#lib/db/localizations.ts";
import { findRelease } from "#lib/db/releases.ts";
import { findSnapshot } from "#lib/db/snapshots.ts";
import { VOLUME_BYTES_MIN } from "#lib/localize/fat-volume.ts";
import { TOKENS_MAX } from "#lib/localize/image-scanner.ts";
import { checkVariableName } from "#lib/localize/variables.ts";
import { CodedError } from "#lib/model/errors.ts";
import { type LocalizationSpec, PADDINGS } from "#lib/model/localization.ts";
import { DISK_LAYOUT } from "#lib/model/node.ts";
import { formatBytes } from "#lib/model/units.ts";
import { RECIPES_MAX } from "#lib/protocol/recipe.ts";
import { Id, parseInput } from "./input.ts";

const KINDS = ["set-host-name", "put-file", "set-line", "set-registry-value"];
const FIELDS_MAX = 12;
const FIELD_CHARACTERS_MAX = 360_000;

/** Texts may hold {{names}}: what they become is checked for each PC, when it is known. */
const Recipe = z
  .record(z.string().max(32), z.union([z.string().max(FIELD_CHARACTERS_MAX), z.number()]))
  .refine((recipe) => KINDS.includes(String(recipe.kind)), `must have a kind: ${KINDS.join(", ")}`)
  .refine((recipe) => typeof recipe.partition === "string", "must name its partition")
  .refine((recipe) => Object.keys(recipe).length <= FIELDS_MAX, "has too many fields");

export const DeclareLocalizationInput = z.object({
  releaseId: Id,
  /** A partition of the snapshot, such as "p3". */
  identityImage: z.string().max(64).nullable(),
  tokens: z
    .array(
      z.object({
        name: z.string().max(64),
        padding: z.enum(PADDINGS).default("space"),
        count: z.number().int().min(1).max(TOKENS_MAX),
      }),
    )
    .max(256),
  recipes: z.array(Recipe).max(RECIPES_MAX).default([]),
});

export async function declareLocalization(
  viewer: Viewer,
  input: z.input<typeof DeclareLocalizationInput>,
): Promise<{ readonly spec: LocalizationSpec }> {
  permit(viewer, "localize");
  const { releaseId, ...spec } = parseInput(DeclareLocalizationInput, input);
  const release = await findRelease({ id: releaseId });
  const snapshot = release === null ? null : await findSnapshot(release.snapshotId);
  if (release === null || snapshot === null)
    throw new CodedError("release-unknown", "There is no such release (any more).", {
      hint: "Reload the page.",
    });
  for (const { name } of spec.tokens) checkVariableName(name);
  if (new Set(spec.tokens.map(({ name }) => name)).size < spec.tokens.length)
    throw new CodedError("input-invalid", "A token is declared twice.", { hint: "Name each once." });
  const partitionNames = snapshot.images.map(({ partition }) => partition);
  for (const partition of [spec.identityImage, ...spec.recipes.map((recipe) => String(recipe.partition))])
    if (partition !== null && !partitionNames.includes(partition))
      throw noPartition(partition, partitionNames);
  if (spec.identityImage !== null) {
    const image = snapshot.images.find(({ partition }) => partition === spec.identityImage);
    checkIdentityImage(spec, image?.details.partition ?? spec.identityImage, image?.sizeBytes ?? 0);
  }
  await setSpec(releaseId, spec);
  const { masterName, number, snapshotId } = release;
  await recordAudit(viewer.id, "declare-localization", snapshotId, {
    ...{ masterName, number, tokens: spec.tokens.length, recipes: spec.recipes.length },
    identityImage: spec.identityImage ?? "",
  });
  return { spec };
}

/** All that is on it is replaced: nobody means the partition that Windows lies on. */
const IDENTITY_BYTES_MAX = 1024 * 1024 * 1024;

function checkIdentityImage(spec: LocalizationSpec, partition: string, sizeBytes: number): void {
  if (partition === DISK_LAYOUT || sizeBytes < VOLUME_BYTES_MIN || sizeBytes > IDENTITY_BYTES_MAX) {
    throw new CodedError(
      "input-invalid",
      `${spec.identityImage} (${formatBytes(sizeBytes)}) cannot be the identity volume.`,
      {
        hint: `Choose a partition made for it, of ${formatBytes(VOLUME_BYTES_MIN)} to ${formatBytes(IDENTITY_BYTES_MAX)}: everything on it is replaced. 32 MiB are plenty.`,
      },
    );
  }
  if (!spec.recipes.some((recipe) => recipe.partition === spec.identityImage)) return;
  throw new CodedError(
    "input-invalid",
    `A recipe changes ${spec.identityImage}, which is the identity volume.`,
    {
      hint: "Put the file on the volume as an identity file, under Variables.",
    },
  );
}

function noPartition(name: string, there: readonly string[]): CodedError {
  return new CodedError("input-invalid", `The snapshot has no partition ${name}.`, {
    hint: `It has ${there.join(", ")}.`,
  });
}

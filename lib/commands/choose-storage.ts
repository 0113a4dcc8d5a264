// What "Save" under "How images are stored" and "What is kept" means: the repository's usual technique and compression, and its
// retention. Later archives and prunes go by it; what is stored stays as it is.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { findRepositoryChoice, setRepositoryChoice } from "#lib/db/repositories.ts";
import { checkArchiveWords } from "#lib/model/archive-choice.ts";
import { parseCompression } from "#lib/model/compression.ts";
import { CodedError } from "#lib/model/errors.ts";
import { RETENTION_RULES } from "#lib/model/retention.ts";
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import { ArchiveFields, Id, parseInput, TimeZone } from "./input.ts";

export const ChooseStorageInput = z.object({
  repositoryId: Id,
  technique: ArchiveFields.technique,
  compression: ArchiveFields.compression,
});
export const ChooseRetentionInput = z.object({
  repositoryId: Id,
  keep: z.partialRecord(z.enum(RETENTION_RULES), z.number().int().min(0).max(10_000)),
  timeZone: TimeZone,
});

export async function chooseStorage(
  viewer: Viewer,
  input: z.input<typeof ChooseStorageInput>,
): Promise<void> {
  permit(viewer, "manage-storage");
  const { repositoryId, ...asked } = parseInput(ChooseStorageInput, input);
  const words = checkArchiveWords(asked);
  await requireRepository(repositoryId);
  await setRepositoryChoice(repositoryId, {
    technique: TECHNIQUES.find((known) => known === words.technique),
    compression: words.compression === null ? undefined : (parseCompression(words.compression) ?? undefined),
  });
  const { technique, compression } = words;
  await recordAudit(viewer.id, "choose-storage", repositoryId, { technique, compression });
}

export async function chooseRetention(
  viewer: Viewer,
  input: z.input<typeof ChooseRetentionInput>,
): Promise<void> {
  permit(viewer, "manage-storage");
  const { repositoryId, keep, timeZone } = parseInput(ChooseRetentionInput, input);
  if (!Object.values(keep).some((count) => (count ?? 0) > 0)) {
    throw new CodedError("input-invalid", "No rule says what to keep.", {
      hint: "Give one at least, such as the last 10.",
    });
  }
  await requireRepository(repositoryId);
  await setRepositoryChoice(repositoryId, { retention: { keep, timeZone } });
  await recordAudit(viewer.id, "choose-retention", repositoryId, { ...keep, timeZone });
}

async function requireRepository(repositoryId: string): Promise<void> {
  if ((await findRepositoryChoice(repositoryId)) !== null) return;
  throw new CodedError("repository-missing", `There is no repository ${repositoryId}.`, {
    hint: "Reload the page.",
  });
}

// Identity files: added, changed, removed. What a PC could not be given (a path its volume cannot hold, a name nobody defined) is
// refused here, long before a night's localization would find it.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { changeVariables, type StoredIdentityFile, type VariablesNow } from "#lib/db/variables.ts";
import { BUILT_IN_NAMES } from "#lib/localize/content.ts";
import { checkName } from "#lib/localize/fat-names.ts";
import { namesIn } from "#lib/localize/templates.ts";
import { CodedError } from "#lib/model/errors.ts";
import { anotherRequest, idForRequest } from "./id-for-request.ts";
import { Id, parseInput, RequestId } from "./input.ts";

/** The volume has 32 MiB at most, and each file is rendered for each PC. */
const TEMPLATE_BYTES_MAX = 64 * 1024;
const FILES_MAX = 200;
const PATH_CHARACTERS_MAX = 255;
const FOLDERS_MAX = 8;

const Path = z.string().trim().max(PATH_CHARACTERS_MAX);
const Template = z.string().max(TEMPLATE_BYTES_MAX, "is too large");

export const CreateIdentityFileInput = z.object({
  /** Left out: for all classrooms. */
  groupId: z.string().max(64).default(""),
  path: Path,
  template: Template,
  requestId: RequestId.optional(),
});
export const ChangeIdentityFileInput = z.object({ fileId: Id, path: Path, template: Template });
export const RemoveIdentityFileInput = z.object({ fileId: Id });

export async function createIdentityFile(
  viewer: Viewer,
  input: z.input<typeof CreateIdentityFileInput>,
): Promise<StoredIdentityFile> {
  permit(viewer, "localize");
  const { requestId, ...wish } = parseInput(CreateIdentityFileInput, input);
  const file = { id: idForRequest("file", viewer, requestId), ...wish };
  const isNew = await changeVariables(viewer.id, (now) => {
    const first = now.files.find(({ id }) => id === file.id);
    if (first !== undefined && first.path !== file.path) throw anotherRequest();
    if (first !== undefined) return { writes: {}, answer: false };
    if (now.files.length >= FILES_MAX) {
      throw refusal(
        `There are ${now.files.length} identity files already.`,
        "Remove those that nothing needs.",
      );
    }
    if (file.groupId !== "" && !now.groups.some(({ id }) => id === file.groupId)) {
      throw new CodedError("classroom-unknown", `There is no classroom ${file.groupId}.`);
    }
    checkFile(now, file);
    return { writes: { files: [file] }, answer: true };
  });
  if (isNew) await recordAudit(viewer.id, "create-identity-file", file.id, factsOf(file));
  return file;
}

export async function changeIdentityFile(
  viewer: Viewer,
  input: z.input<typeof ChangeIdentityFileInput>,
): Promise<StoredIdentityFile> {
  permit(viewer, "localize");
  const { fileId, path, template } = parseInput(ChangeIdentityFileInput, input);
  const changed = await changeVariables(viewer.id, (now) => {
    const file = { ...knownFile(now, fileId), path, template };
    checkFile(now, file);
    return { writes: { files: [file] }, answer: file };
  });
  await recordAudit(viewer.id, "change-identity-file", fileId, factsOf(changed));
  return changed;
}

export async function removeIdentityFile(
  viewer: Viewer,
  input: z.input<typeof RemoveIdentityFileInput>,
): Promise<void> {
  permit(viewer, "localize");
  const { fileId } = parseInput(RemoveIdentityFileInput, input);
  const removed = await changeVariables(viewer.id, (now) => ({
    writes: { removedFileIds: [fileId] },
    answer: knownFile(now, fileId),
  }));
  await recordAudit(viewer.id, "remove-identity-file", fileId, factsOf(removed));
}

function knownFile({ files }: VariablesNow, fileId: string): StoredIdentityFile {
  const file = files.find(({ id }) => id === fileId);
  if (file === undefined) throw refusal("There is no such identity file (any more).", "Reload the page.");
  return file;
}

function checkFile(now: VariablesNow, file: StoredIdentityFile): void {
  checkPath(file.path);
  checkTemplate(now, file);
  const path = file.path.toLowerCase();
  for (const other of now.files) {
    if (other.id === file.id) continue;
    const otherPath = other.path.toLowerCase();
    if (other.groupId === file.groupId && otherPath === path) {
      throw refusal(`There is a file ${other.path} already.`, "Change that one, or choose another path.");
    }
    // Files for all and those of one classroom stand side by side on its PCs.
    const mayMeet = other.groupId === file.groupId || other.groupId === "" || file.groupId === "";
    if (mayMeet && (otherPath.startsWith(`${path}/`) || path.startsWith(`${otherPath}/`))) {
      throw refusal(
        `${file.path} and ${other.path} cannot both be: one is the other's folder.`,
        "Choose another path.",
      );
    }
  }
}

function checkPath(path: string): void {
  const parts = path.split("/");
  for (const part of parts) checkName(part);
  if (parts.length - 1 <= FOLDERS_MAX) return;
  throw refusal(`${path} lies too deep.`, `A path has at most ${FOLDERS_MAX} folders.`);
}

function checkTemplate({ names }: VariablesNow, { template, path }: StoredIdentityFile): void {
  if (Buffer.byteLength(template) > TEMPLATE_BYTES_MAX || template.includes("\0")) {
    throw refusal(`The content of ${path} cannot be stored.`, "It is text of at most 64 KiB.");
  }
  const known = new Set<string>([...BUILT_IN_NAMES, ...names.map(({ name }) => name)]);
  const unknown = namesIn(template).find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new CodedError(
    "variable-unknown",
    `${path} asks for {{${unknown.slice(0, 64)}}}, which is no variable.`,
    {
      hint: "Add the variable first, or correct the name in the file.",
    },
  );
}

/** Not what is in it: people write passwords into files, too. */
function factsOf({ path, groupId, template }: StoredIdentityFile) {
  return { path, groupId, templateBytes: Buffer.byteLength(template) };
}

function refusal(message: string, hint: string): CodedError {
  return new CodedError("input-invalid", message, { hint });
}

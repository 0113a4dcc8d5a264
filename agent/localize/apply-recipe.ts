// What each kind of recipe means: read the file, think up what it shall be, and put that there unless it is so already.
import { contentOf, type RecipeMessage } from "#lib/protocol/recipe.ts";
import { changeHive, dwordValue, type RegistryChange, textValue } from "./change-hive.ts";
import { FILE_SYSTEM_NAMES, type FileSystem } from "./file-system.ts";
import { hostNameFile, hostNameIn, hostsFile } from "./host-files.ts";
import { recipeRefused } from "./refusal.ts";
import { setLine } from "./set-line.ts";
import type { ToolName } from "./tools.ts";
import type { VolumeFiles, Workbench } from "./volume-files.ts";
import { checkWindowsName, SYSTEM_HIVE, windowsNameChanges } from "./windows-name.ts";

type Recipe<Kind extends RecipeMessage["kind"]> = Extract<RecipeMessage, { kind: Kind }>;

export interface Applied {
  readonly changed: boolean;
  readonly words: string;
}

export interface VolumeAtWork {
  readonly bench: Workbench;
  readonly fileSystem: FileSystem;
  readonly files: VolumeFiles;
}

const HOST_NAME_FILE = "/etc/hostname";
const HOSTS_FILE = "/etc/hosts";
/** Configuration is small; what is larger is another file than somebody meant. */
const TEXT_BYTES_MAX = 4 * 1024 * 1024;
/** Larger than any SOFTWARE hive; what is read is held in memory. */
const FILE_BYTES_MAX = 512 * 1024 * 1024;

/** Refuses what no file of this file system could make right. Reads nothing. */
export function assertSuits(recipe: RecipeMessage, fileSystem: FileSystem): void {
  if (recipe.kind !== "set-host-name") return;
  if (fileSystem === "fat") {
    throw recipeRefused(
      `${recipe.partition} is FAT, which holds no system that a host name could be set for.`,
      "Name the partition of Linux (ext4) or Windows (NTFS).",
    );
  }
  if (fileSystem === "ntfs") checkWindowsName(recipe.hostName);
}

/** Beyond those of the file system. */
export function toolsFor(recipe: RecipeMessage, fileSystem: FileSystem): ToolName[] {
  const isRegistry =
    recipe.kind === "set-registry-value" || (recipe.kind === "set-host-name" && fileSystem === "ntfs");
  return isRegistry ? ["hivexsh"] : [];
}

/** The file a recipe is about, for messages. */
export function fileOf(recipe: RecipeMessage, fileSystem: FileSystem): string {
  if (recipe.kind === "set-host-name") return fileSystem === "ntfs" ? SYSTEM_HIVE : HOST_NAME_FILE;
  return recipe.kind === "set-registry-value" ? recipe.hive : recipe.path;
}

export function applyRecipe(volume: VolumeAtWork, recipe: RecipeMessage): Promise<Applied> {
  switch (recipe.kind) {
    case "set-host-name":
      return volume.fileSystem === "ntfs" ? setWindowsName(volume, recipe) : setLinuxName(volume, recipe);
    case "put-file":
      return putFile(volume, recipe);
    case "set-line":
      return setLineOf(volume, recipe);
    case "set-registry-value":
      return setRegistryValue(volume, recipe);
  }
}

async function setLinuxName(
  { files }: VolumeAtWork,
  { hostName }: Recipe<"set-host-name">,
): Promise<Applied> {
  const nameFile = await files.read(HOST_NAME_FILE, TEXT_BYTES_MAX);
  const hosts = await files.read(HOSTS_FILE, TEXT_BYTES_MAX);
  if (nameFile === null && hosts === null) {
    throw recipeRefused(
      `There is neither ${HOST_NAME_FILE} nor ${HOSTS_FILE}: this partition holds no system.`,
      "Correct the recipe: name the partition that Linux starts from.",
    );
  }
  const oldName = nameFile === null ? null : hostNameIn(nameFile.bytes);
  const newHosts = hostsFile(hosts?.bytes ?? null, oldName, hostName);
  // The old name must be known to find it in hosts: the file that tells it is changed last.
  const hostsChanged = await putUnlessSame(files, HOSTS_FILE, hosts, newHosts);
  const nameChanged =
    oldName !== hostName && (await putUnlessSame(files, HOST_NAME_FILE, nameFile, hostNameFile(hostName)));
  const was = oldName === null || oldName === hostName ? "" : ` instead of ${oldName}`;
  return done(hostsChanged || nameChanged, `The host is called ${hostName}${was}.`);
}

async function setWindowsName(volume: VolumeAtWork, { hostName }: Recipe<"set-host-name">): Promise<Applied> {
  const changed = await changeHiveOf(volume, SYSTEM_HIVE, (bytes) =>
    windowsNameChanges(bytes, SYSTEM_HIVE, hostName),
  );
  return done(changed, `Windows is called ${hostName}.`);
}

async function putFile({ files, fileSystem }: VolumeAtWork, recipe: Recipe<"put-file">): Promise<Applied> {
  const { path } = recipe;
  const present = await files.read(path, FILE_BYTES_MAX);
  const bytes = contentOf(recipe);
  const mode = fileSystem === "ext" ? (recipe.mode ?? null) : null;
  const changed = await putUnlessSame(files, path, present, bytes, mode);
  const unheard = recipe.mode !== undefined && mode === null;
  const note = unheard ? ` ${FILE_SYSTEM_NAMES[fileSystem]} keeps no mode.` : "";
  return done(
    changed,
    `${path} ${present === null ? "was made" : "has its content"} (${bytes.length} bytes).${note}`,
  );
}

async function setLineOf(
  { files }: VolumeAtWork,
  { path, match, line }: Recipe<"set-line">,
): Promise<Applied> {
  const present = await files.read(path, TEXT_BYTES_MAX);
  if (present === null) throw fileMissing(path);
  const bytes = setLine(present.bytes, match, line);
  if (bytes === null) {
    throw recipeRefused(
      `${path} is a text in UTF-16, whose lines cannot be set.`,
      "Put the whole file instead.",
    );
  }
  const changed = await putUnlessSame(files, path, present, bytes);
  return done(changed, `${path} has the line for ${JSON.stringify(match)}.`);
}

async function setRegistryValue(
  volume: VolumeAtWork,
  recipe: Recipe<"set-registry-value">,
): Promise<Applied> {
  const name = recipe.name === "@" ? "" : recipe.name;
  const value = recipe.type === "sz" ? textValue(name, recipe.value) : dwordValue(name, recipe.value);
  const changed = await changeHiveOf(volume, recipe.hive, () => [{ key: recipe.key.split("\\"), value }]);
  return done(changed, `${recipe.name} of ${recipe.key} is set in ${recipe.hive}.`);
}

async function changeHiveOf(
  { bench, files }: VolumeAtWork,
  path: string,
  changesOf: (bytes: Buffer) => readonly RegistryChange[],
): Promise<boolean> {
  const present = await files.read(path, FILE_BYTES_MAX);
  if (present === null) throw fileMissing(path);
  return putUnlessSame(
    files,
    path,
    present,
    await changeHive(bench, path, present.bytes, changesOf(present.bytes)),
  );
}

async function putUnlessSame(
  files: VolumeFiles,
  path: string,
  present: { readonly bytes: Buffer; readonly mode: number | null } | null,
  bytes: Buffer,
  mode: number | null = null,
): Promise<boolean> {
  const isSame = present?.bytes.equals(bytes) === true && (mode === null || mode === present.mode);
  if (!isSame) await files.replace(path, bytes, mode);
  return !isSame;
}

function done(changed: boolean, words: string): Applied {
  return { changed, words: changed ? words : `Nothing to do: ${words}` };
}

function fileMissing(path: string) {
  return recipeRefused(
    `There is no ${path}.`,
    "Correct the recipe's path, or put the file there by a recipe before this one.",
  );
}

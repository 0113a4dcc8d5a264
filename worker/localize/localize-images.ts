// Opens the images of a localize task: the master's, with what was frozen for this PC applied. What a PC gets depends on the master's
// bytes and the frozen content alone, so a second attempt a night later is the same.
import { unseal } from "#lib/auth/sealed.ts";
import type { MasterLocalization, NewLocalization } from "#lib/db/localizations.ts";
import type { ImageReader, Repository } from "#lib/engine/repository.ts";
import { type Rendered, render, volumeOf } from "#lib/localize/render.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { LocalizationContent } from "#lib/model/localization.ts";
import { openPatchedImage } from "./patched-image.ts";
import type { LocalizedImage } from "./served-image.ts";
import { volumeImage } from "./volume-image.ts";

/** As the gateway's store answers for a task. */
export interface LocalizationWork {
  readonly localization: NewLocalization;
  readonly master: MasterLocalization;
}

export function renderWork({ localization, master }: LocalizationWork): Rendered {
  if (master.scan === null) {
    throw new CodedError("localization-refused", "The master has not been looked through for tokens.", {
      hint: "Look for its tokens on the masters' page, then plan again.",
    });
  }
  return render(localization.content, master.scan, unseal);
}

/** By name of the image; those that are not in it are as they are stored. */
export async function openLocalizedImages(
  repository: Repository,
  snapshotId: string,
  rendered: Rendered,
  signal: AbortSignal,
): Promise<Map<string, LocalizedImage>> {
  const opened = new Map<string, LocalizedImage>();
  try {
    for (const [image, patches] of rendered.patches)
      opened.set(image, await openPatched(await repository.openImage(snapshotId, image), patches, signal));
    if (rendered.volume !== null) {
      const { image, files } = rendered.volume;
      const sizeBytes = repository
        .snapshot(snapshotId)
        .images.find(({ partition }) => partition === image)?.sizeBytes;
      if (sizeBytes === undefined) throw noIdentityImage(image);
      opened.set(image, volumeImage(volumeOf(files, sizeBytes), sizeBytes));
    }
    return opened;
  } catch (thrown) {
    for (const image of opened.values()) image.close();
    throw thrown;
  }
}

async function openPatched(
  reader: ImageReader,
  patches: Parameters<typeof openPatchedImage>[1],
  signal: AbortSignal,
): Promise<LocalizedImage> {
  try {
    return await openPatchedImage(reader, patches, signal);
  } catch (thrown) {
    reader.close();
    throw thrown;
  }
}

function noIdentityImage(image: NonNullable<LocalizationContent["identityImage"]>): CodedError {
  return new CodedError(
    "localization-refused",
    `The master has no partition ${image} for the identity volume.`,
    {
      hint: "Choose another one on the masters' page, then plan again.",
    },
  );
}

// Archives in the making, one per task. A session outlives its lease for a while: an agent that was killed leases the same task
// again and finds every page that already arrived, so nothing travels twice. What nobody comes back for is aborted.

import type {
  ArchiveSession,
  ImageRecord,
  ImageWriter,
  Repository,
  SnapshotRecord,
} from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";
import { leaseLost } from "./leases.ts";
import type { LeasedTask } from "./store.ts";
import { imagesToArchive, type PlannedImage } from "./task-images.ts";

export interface OpenArchive {
  readonly taskId: string;
  readonly session: ArchiveSession;
  readonly images: readonly PlannedImage[];
  /** An earlier lease began it: pages may have been offered before, and the disk may have changed since. */
  resumed: boolean;
  readonly writers: Map<number, Promise<ImageWriter>>;
  readonly finished: Map<number, Promise<ImageRecord>>;
  committing: Promise<SnapshotRecord> | null;
  /** Why the repository can take no more of it. */
  failure: { readonly reason: unknown } | null;
  lastUsedMs: number;
}

export class ArchiveSessions {
  readonly #repository: Repository;
  readonly #byTask = new Map<string, OpenArchive>();

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** The session of a newly leased task: the one an earlier lease left, if it still fits the disks, else a new one. */
  async open(task: LeasedTask): Promise<OpenArchive> {
    const images = imagesToArchive(task.disks);
    const known = this.#byTask.get(task.taskId);
    if (
      known !== undefined &&
      known.committing === null &&
      known.failure === null &&
      sameImages(known.images, images)
    ) {
      known.resumed = true;
      known.lastUsedMs = Date.now();
      return known;
    }
    await this.abort(task.taskId);
    const session = await this.#repository.beginArchive({
      node: task.nodeName,
      purpose: task.purpose,
      comment: task.comment,
      requestId: task.taskId,
      ...(task.writtenFrom !== null && { writtenFrom: task.writtenFrom }),
      ...task.storage,
    });
    const archive: OpenArchive = {
      taskId: task.taskId,
      session,
      images,
      resumed: false,
      writers: new Map(),
      finished: new Map(),
      committing: null,
      failure: null,
      lastUsedMs: Date.now(),
    };
    this.#byTask.set(task.taskId, archive);
    return archive;
  }

  /** The snapshot an earlier lease of the task made, if it did. One that is being committed is waited for: its agent was cut
   *  off and is back, and a second session would make a second snapshot. */
  async madeBefore(taskId: string): Promise<SnapshotRecord | null> {
    await this.#byTask.get(taskId)?.committing?.catch(() => undefined); // Its error is thrown to who asked for it.
    return this.#repository.snapshots().find((record) => record.requestId === taskId) ?? null;
  }

  require(taskId: string): OpenArchive {
    const archive = this.#byTask.get(taskId);
    if (archive === undefined) throw leaseLost(taskId);
    archive.lastUsedMs = Date.now();
    return archive;
  }

  /** Drops a committed session, or aborts what was not committed. A failing abort leaves only garbage for GC. */
  async abort(taskId: string): Promise<void> {
    const archive = this.#byTask.get(taskId);
    if (archive === undefined) return;
    this.#byTask.delete(taskId);
    if (archive.committing === null) await archive.session.abort();
  }

  async abortUnusedFor(unusedMs: number): Promise<void> {
    const before = Date.now() - unusedMs;
    const unused = [...this.#byTask.values()].filter((archive) => archive.lastUsedMs < before);
    for (const archive of unused) await this.abort(archive.taskId);
  }

  async abortAll(): Promise<void> {
    for (const taskId of [...this.#byTask.keys()]) await this.abort(taskId);
  }
}

export function plannedImage(archive: OpenArchive, image: number): PlannedImage {
  const planned = archive.images[image];
  if (planned !== undefined) return planned;
  throw new CodedError("protocol-violation", `Task ${archive.taskId} has no image ${image}.`);
}

/** The engine's writer for an image, begun at first use. */
export function writerOf(archive: OpenArchive, image: number): Promise<ImageWriter> {
  const planned = plannedImage(archive, image);
  let writer = archive.writers.get(image);
  if (writer === undefined) {
    const { sizeBytes } = planned.message;
    writer = archive.session.beginImage({ partition: planned.name, sizeBytes, details: planned.details });
    writer.catch(() => archive.writers.delete(image)); // Its error is thrown to who waits; the next request tries anew.
    archive.writers.set(image, writer);
  }
  return writer;
}

/** Completes an image once, however often it is asked: the answer may have been lost on its way. */
export function finishImage(archive: OpenArchive, image: number): Promise<ImageRecord> {
  let finished = archive.finished.get(image);
  if (finished === undefined) {
    finished = writerOf(archive, image).then((writer) => writer.finish());
    finished.catch(() => archive.finished.delete(image));
    archive.finished.set(image, finished);
  }
  return finished;
}

export function commitOnce(archive: OpenArchive): Promise<SnapshotRecord> {
  if (archive.committing === null) {
    archive.committing = archive.session.commit();
    archive.committing.catch(() => {
      archive.committing = null;
    });
  }
  return archive.committing;
}

function sameImages(before: readonly PlannedImage[], now: readonly PlannedImage[]): boolean {
  return JSON.stringify(before) === JSON.stringify(now);
}

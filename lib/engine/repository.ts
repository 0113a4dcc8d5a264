// The front door of the block repository: everything outside lib/engine enters here.
//
// What it promises is in README.md, the rules behind it in SPEC.md, the bytes in docs/repository-format.md.
import { CodedError } from "#lib/model/errors.ts";
import { throwIfAborted } from "./archive/image-archiver.ts";
import { Session } from "./archive/session.ts";
import { closeState } from "./close.ts";
import { Evaluation } from "./evaluate/evaluate.ts";
import { rebuildTables } from "./load-tables.ts";
import { openState } from "./open.ts";
import type { RepositoryState } from "./repository-state.ts";
import { PageReader } from "./restore/page-reader.ts";
import { Restore } from "./restore/restore.ts";
import { statsOf } from "./stats.ts";
import type {
  ArchiveRequest,
  ArchiveSession,
  ByteTarget,
  EvaluateOptions,
  EvaluationRequest,
  EvaluationRow,
  GcOptions,
  GcPlan,
  GcReport,
  HealOptions,
  HealReport,
  ImageReader,
  OpenOptions,
  PruneReport,
  Repository,
  RepositoryInfo,
  RepositoryStats,
  ReSegmentOptions,
  ReSegmentReport,
  RestoreReport,
  ScrubOptions,
  ScrubReport,
  SnapshotPin,
  SnapshotRecord,
  VerifyReport,
  WorkOptions,
} from "./types.ts";
import { collectGarbage, planGc } from "./upkeep/collect.ts";
import { heal } from "./upkeep/heal.ts";
import { damagedSnapshots } from "./upkeep/known-damage.ts";
import { pinSnapshot, unpinSnapshot } from "./upkeep/pins.ts";
import { pruneSnapshots } from "./upkeep/prune.ts";
import { reSegment } from "./upkeep/re-segment.ts";
import { renewReserve } from "./upkeep/reserve.ts";
import { Scrub } from "./upkeep/scrub.ts";
import { Verification } from "./verify/verify.ts";

export { hintsFinding } from "./archive/hints.ts";
export { makeKeyFile, readKeyFile } from "./encryption/key-file.ts";
export { addKey, type KeyInfo, listKeys, removeKey } from "./encryption/manage-keys.ts";
export { EVALUATED_BLOCK_SIZES, EVALUATED_COMPRESSIONS } from "./evaluate/evaluate.ts";
export { openFileSource, openFileTarget } from "./local-file.ts";
export { createRepository } from "./open.ts";
export { ImageBytes } from "./restore/image-bytes.ts";
export { openLocalDisk } from "./storage/local-disk.ts";
export type { Storage } from "./storage/storage.ts";
export type * from "./types.ts";
export { USUAL_RESERVE_BYTES } from "./upkeep/reserve.ts";
export { scrubWithoutKey } from "./upkeep/scrub-without-key.ts";

export async function openRepository(options: OpenOptions): Promise<Repository> {
  return new OpenRepository(await openState(options));
}

class OpenRepository implements Repository {
  readonly #state: RepositoryState;

  constructor(state: RepositoryState) {
    this.#state = state;
  }

  get info(): RepositoryInfo {
    return this.#state.info;
  }

  snapshots(): readonly SnapshotRecord[] {
    this.#state.checkOpen();
    return this.#state.stored.map((snapshot) => snapshot.record);
  }

  snapshot(id: string): SnapshotRecord {
    return this.#state.storedSnapshot(id).record;
  }

  async beginArchive(request: ArchiveRequest): Promise<ArchiveSession> {
    this.#checkWritable();
    const session = new Session(this.#state, request);
    this.#state.sessions.add(session);
    return session;
  }

  async openImage(snapshotId: string, partition: string): Promise<ImageReader> {
    return this.#openPages(snapshotId, partition);
  }

  #openPages(snapshotId: string, partition: string): PageReader {
    const stored = this.#state.storedSnapshot(snapshotId);
    const index = stored.record.images.findIndex((image) => image.partition === partition);
    const image = stored.record.images[index];
    if (image !== undefined)
      return new PageReader(this.#state, stored, image, this.#state.treeOf(stored, index));
    const names = stored.record.images.map((each) => JSON.stringify(each.partition)).join(", ");
    throw new CodedError(
      "input-invalid",
      `Snapshot ${stored.record.id} has no partition ${JSON.stringify(partition)}.`,
      {
        hint: `It has ${names}.`,
      },
    );
  }

  async restore(
    snapshotId: string,
    partition: string,
    target: ByteTarget,
    options: WorkOptions = {},
  ): Promise<RestoreReport> {
    const reader = this.#openPages(snapshotId, partition);
    try {
      return await new Restore(this.#state, reader, target, options).run();
    } finally {
      reader.close();
    }
  }

  async verify(options: WorkOptions & { readonly snapshotId?: string } = {}): Promise<VerifyReport> {
    this.#state.checkOpen();
    return new Verification(this.#state, options).run();
  }

  async stats(): Promise<RepositoryStats> {
    this.#state.checkOpen();
    return statsOf(this.#state);
  }

  async evaluate(request: EvaluationRequest, options: EvaluateOptions = {}): Promise<EvaluationRow[]> {
    this.#state.checkOpen();
    const open = (snapshotId: string, partition: string) => this.openImage(snapshotId, partition);
    return new Evaluation(this.#state, open, request, options).run();
  }

  async rebuildIndex(
    options: WorkOptions = {},
  ): Promise<{ packCount: number; blockCount: number; seconds: number }> {
    this.#checkWritable();
    return this.#state.alone(() => rebuildTables(this.#state, options));
  }

  pins(): ReadonlyMap<string, SnapshotPin> {
    this.#state.checkOpen();
    return new Map(this.#state.pins);
  }

  async pin(snapshotId: string, reason: string): Promise<SnapshotPin> {
    this.#checkWritable();
    return pinSnapshot(this.#state, this.#state.storedSnapshot(snapshotId).record.id, reason);
  }

  async unpin(snapshotId: string): Promise<boolean> {
    this.#checkWritable();
    return unpinSnapshot(this.#state, this.#state.storedSnapshot(snapshotId).record.id);
  }

  async prune({ snapshotIds }: { readonly snapshotIds: readonly string[] }): Promise<PruneReport> {
    this.#checkWritable();
    const snapshots = new Set(snapshotIds.map((id) => this.#state.storedSnapshot(id)));
    return pruneSnapshots(this.#state, [...snapshots]);
  }

  async damagedSnapshots(options: { readonly signal?: AbortSignal } = {}): Promise<ReadonlySet<string>> {
    this.#state.checkOpen();
    return damagedSnapshots(this.#state, () => {
      throwIfAborted(options.signal);
      this.#state.checkOpen();
    });
  }

  async planGc(options: GcOptions = {}): Promise<GcPlan> {
    this.#state.checkOpen();
    return planGc(this.#state, options);
  }

  async collectGarbage(options: GcOptions = {}): Promise<GcReport> {
    this.#checkWritable();
    const report = await collectGarbage(this.#state, options);
    await renewReserve(this.#state.storage);
    return report;
  }

  async reSegment(options: ReSegmentOptions = {}): Promise<ReSegmentReport> {
    this.#checkWritable();
    return reSegment(this.#state, options);
  }

  async heal(options: HealOptions = {}): Promise<HealReport> {
    this.#state.checkOpen();
    if (options.isPlan === true) return heal(this.#state, options);
    this.#checkWritable();
    return this.#state.alone(() => heal(this.#state, options));
  }

  async scrub(options: ScrubOptions = {}): Promise<ScrubReport> {
    this.#state.checkOpen();
    return new Scrub(this.#state, options).run();
  }

  async close(): Promise<void> {
    await closeState(this.#state);
  }

  #checkWritable(): void {
    this.#state.checkOpen();
    if (this.#state.lock === null) throw readOnly(this.#state);
  }
}

function readOnly(state: RepositoryState): CodedError {
  return new CodedError(
    "input-invalid",
    `The repository at ${state.storage.description} is open for reading only.`,
    {
      hint: "Open it for writing.",
    },
  );
}

// The front door of the block repository: everything outside lib/engine enters here.
//
// What it promises is in README.md, the rules behind it in SPEC.md, the bytes in docs/repository-format.md.
import { CodedError } from "#lib/model/errors.ts";
import { Session } from "./archive/session.ts";
import { closeState } from "./close.ts";
import type { StoredSnapshot } from "./format/snapshot-format.ts";
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
  GcOptions,
  GcPlan,
  GcReport,
  ImageReader,
  OpenOptions,
  PruneReport,
  Repository,
  RepositoryInfo,
  RepositoryStats,
  RestoreReport,
  ScrubOptions,
  ScrubReport,
  SnapshotPin,
  SnapshotRecord,
  VerifyReport,
  WorkOptions,
} from "./types.ts";
import { collectGarbage, planGc } from "./upkeep/collect.ts";
import { pinSnapshot, unpinSnapshot } from "./upkeep/pins.ts";
import { pruneSnapshots } from "./upkeep/prune.ts";
import { Scrub } from "./upkeep/scrub.ts";
import { Verification } from "./verify/verify.ts";

export { openFileSource, openFileTarget } from "./local-file.ts";
export { createRepository } from "./open.ts";
export { ImageBytes } from "./restore/image-bytes.ts";
export { openLocalDisk } from "./storage/local-disk.ts";
export type { Storage } from "./storage/storage.ts";
export type * from "./types.ts";

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
    return this.#stored(id).record;
  }

  async beginArchive(request: ArchiveRequest): Promise<ArchiveSession> {
    this.#checkWritable();
    const session = new Session(this.#state, request);
    this.#state.sessions.add(session);
    return session;
  }

  async openImage(snapshotId: string, partition: string): Promise<ImageReader> {
    const stored = this.#stored(snapshotId);
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
    const reader = await this.openImage(snapshotId, partition);
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
    return pinSnapshot(this.#state, this.#stored(snapshotId).record.id, reason);
  }

  async unpin(snapshotId: string): Promise<boolean> {
    this.#checkWritable();
    return unpinSnapshot(this.#state, this.#stored(snapshotId).record.id);
  }

  async prune({ snapshotIds }: { readonly snapshotIds: readonly string[] }): Promise<PruneReport> {
    this.#checkWritable();
    const snapshots = new Set(snapshotIds.map((id) => this.#stored(id)));
    return pruneSnapshots(this.#state, [...snapshots]);
  }

  async planGc(options: GcOptions = {}): Promise<GcPlan> {
    this.#state.checkOpen();
    return planGc(this.#state, options);
  }

  async collectGarbage(options: GcOptions = {}): Promise<GcReport> {
    this.#checkWritable();
    return collectGarbage(this.#state, options);
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

  /** By id or unambiguous beginning of one. */
  #stored(id: string): StoredSnapshot {
    this.#state.checkOpen();
    const matches =
      id === "" ? [] : this.#state.stored.filter((snapshot) => snapshot.record.id.startsWith(id));
    const exact = matches.find((snapshot) => snapshot.record.id === id);
    const only = exact ?? (matches.length === 1 ? matches[0] : undefined);
    if (only !== undefined) return only;
    throw matches.length > 1 ? ambiguous(id, matches) : this.#unknown(id);
  }

  #unknown(id: string): CodedError {
    for (const [damagedId, { file, message }] of this.#state.damagedSnapshots) {
      if (id === "" || !damagedId.startsWith(id)) continue;
      return new CodedError("snapshot-corrupt", `The snapshot file ${file} is damaged: ${message}.`, {
        hint: "Put the file back from a copy of the repository. Other snapshots are not affected.",
        facts: { file },
      });
    }
    return new CodedError(
      "snapshot-unknown",
      `There is no snapshot ${JSON.stringify(id)} in ${this.#where}.`,
      {
        hint: "List the snapshots; an id may be shortened as long as it stays unambiguous.",
      },
    );
  }

  get #where(): string {
    return this.#state.storage.description;
  }
}

function ambiguous(id: string, matches: readonly StoredSnapshot[]): CodedError {
  const some = matches.slice(0, 5).map((snapshot) => snapshot.record.id);
  return new CodedError(
    "snapshot-ambiguous",
    `${matches.length} snapshots begin with ${JSON.stringify(id)}.`,
    {
      hint: `Add characters: ${some.join(", ")}${matches.length > some.length ? ", …" : ""}`,
    },
  );
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

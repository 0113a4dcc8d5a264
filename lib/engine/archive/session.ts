// One snapshot in the making: its images, and the commit that makes it visible in one step.
//
// Order of a commit: data packs, node packs, lock check, snapshot file. Each step is durable before the next, so a
// crash leaves garbage and never a hole. Nothing of a session is visible before the snapshot file has its name.
import { closeSync, fstatSync, openSync } from "node:fs";
import { CodedError } from "#lib/model/errors.ts";
import type { StoredSnapshot } from "../format/snapshot-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { StoreEpoch } from "../store/block-store.ts";
import type {
  ArchiveRequest,
  ArchiveSession,
  ByteSource,
  ChangeHints,
  ImageRecord,
  ImageRequest,
  ImageWriter,
  SnapshotRecord,
  SourceOptions,
} from "../types.ts";
import { HintedSource } from "./hints.ts";
import { ImageArchiver, violation } from "./image-archiver.ts";
import type { FinishedImage, ImageContext, ImageTechnique, ParentImage } from "./image-context.ts";
import { checkComment, checkDetails, checkName, checkRequestId, checkSize } from "./input.ts";
import { RecentPages } from "./recent-pages.ts";
import { SiblingSearch, siblingCandidates } from "./sibling.ts";
import { isSuspect } from "./suspect-pages.ts";
import { checkChoice, type ImagePlan, namedBase, planImage, type StoredImage } from "./technique.ts";

export class Session implements ArchiveSession {
  readonly snapshotId: string;
  readonly #repository: RepositoryState;
  readonly #request: ArchiveRequest;
  readonly #parent: StoredSnapshot | null;
  readonly #writtenFrom: StoredSnapshot | null;
  readonly #startedMs: number;
  readonly #serial: number;
  readonly #holds: (() => void)[] = [];
  readonly #epochs: { readonly data: StoreEpoch; readonly nodes: StoreEpoch };
  readonly #images = new Map<string, ImageArchiver>();
  readonly #context: ImageContext;
  #state: "open" | "committing" | "committed" | "aborted" = "open";

  constructor(repository: RepositoryState, request: ArchiveRequest) {
    checkChoice(request);
    this.#repository = repository;
    const base = namedBase(repository, request);
    this.#request = {
      ...request,
      base: base?.record.id ?? request.base,
      node: checkName("node", request.node),
      comment: checkComment(request.comment),
      requestId: checkRequestId(request.requestId),
    };
    this.#serial = repository.beginSerial();
    this.#parent = repository.newestOf(request.node);
    if (this.#parent !== null) this.#holds.push(repository.holds.take(this.#parent));
    this.#writtenFrom = repository.stored.find(({ record }) => record.id === request.writtenFrom) ?? null;
    if (this.#writtenFrom !== null) this.#holds.push(repository.holds.take(this.#writtenFrom));
    // From here on: what was named must not be pruned before the first image asks for it.
    if (base !== null) this.#holds.push(repository.holds.take(base));
    this.snapshotId = repository.newSnapshotId();
    this.#startedMs = repository.clock.nowMs();
    this.#epochs = { data: repository.data.epoch, nodes: repository.nodes.epoch };
    this.#context = {
      data: repository.data,
      nodes: repository.nodes,
      workers: repository.workers,
      buffers: repository.buffers,
      blockSize: repository.info.blockSize,
      recent: new RecentPages(),
      foreground: repository.foreground,
      check: () => this.#check(),
    };
  }

  async beginImage(request: ImageRequest): Promise<ImageWriter> {
    return this.#beginImage(request);
  }

  async #beginImage(request: ImageRequest): Promise<ImageArchiver> {
    this.#check();
    const partition = checkName("partition", request.partition);
    const checked = {
      partition,
      sizeBytes: checkSize(request.sizeBytes),
      details: checkDetails(request.details),
    };
    if (this.#images.has(partition))
      throw violation(`Partition ${JSON.stringify(partition)} was begun twice`);
    const lineage = { node: this.#request.node, writtenFrom: this.#writtenFrom };
    const plan = planImage(this.#repository, lineage, checked, [request, this.#request]);
    const parent = plan.parent === null ? null : await this.#parentImage(plan.parent);
    this.#check();
    if (this.#images.has(partition))
      throw violation(`Partition ${JSON.stringify(partition)} was begun twice`);
    const siblings = plan.technique === "repository" && parent === null ? this.#siblingsOf(checked) : null;
    const image = new ImageArchiver(this.#context, checked, techniqueOf(plan, parent), parent, siblings);
    this.#images.set(partition, image);
    return image;
  }

  /** An image that cannot be read is no parent and no base: the archive is then as if it were the first, refers
   *  only to what is readable, and so heals. */
  async #parentImage(parent: StoredImage): Promise<ParentImage | null> {
    // Pages taken over from it are not looked up in the index, nor are a base's blocks: only the hold keeps them from GC.
    this.#holds.push(this.#repository.holds.take(parent.snapshot));
    try {
      const tree = this.#repository.treeOf(parent.snapshot, parent.index);
      const suspectPages = new Set<number>();
      const hashes = await tree.pageHashes((page, pageIndex) => {
        const suspect = isSuspect(this.#repository.data, page);
        if (suspect) suspectPages.add(pageIndex);
        return !suspect;
      });
      return {
        tree,
        hashes,
        suspectPages,
        snapshotId: parent.snapshot.record.id,
        format: parent.snapshot.format,
      };
    } catch (error) {
      if (error instanceof CodedError) return null;
      throw error;
    }
  }

  #siblingsOf({ partition, sizeBytes }: ImageRequest): SiblingSearch {
    const candidates = siblingCandidates(this.#repository, this.#request.node, partition, sizeBytes);
    return new SiblingSearch(this.#repository, candidates, {
      hold: ({ snapshot }) => {
        if (!this.#repository.stored.includes(snapshot)) return false;
        this.#holds.push(this.#repository.holds.take(snapshot));
        return true;
      },
      open: (image) => this.#parentImage(image),
    });
  }

  async archiveSource(
    request: Omit<ImageRequest, "sizeBytes">,
    source: ByteSource,
    options: SourceOptions = {},
  ): Promise<ImageRecord> {
    return this.#repository.foreground.during(() => this.#archiveSource(request, source, options));
  }

  async #archiveSource(
    request: Omit<ImageRequest, "sizeBytes">,
    source: ByteSource,
    options: SourceOptions,
  ): Promise<ImageRecord> {
    const image = await this.#beginImage({ ...request, sizeBytes: source.sizeBytes });
    const readsItself = this.#context.workers.threadCount > 0 && source.path !== undefined;
    const descriptor = readsItself && source.path !== undefined ? openSource(source.path) : null;
    try {
      const hinted = options.changed === undefined ? null : this.#hinted(options.changed, source, image);
      await hinted?.sample(source, this.#repository.random);
      await image.takeSource(source, descriptor, options, hinted);
      if (descriptor !== null) checkSameSize(descriptor, source);
      return await image.finish();
    } finally {
      if (descriptor !== null) closeSync(descriptor);
    }
  }

  #hinted(hints: ChangeHints, source: ByteSource, { parent, request }: ImageArchiver): HintedSource {
    if (parent === null) return new HintedSource(hints, source.sizeBytes, null);
    const { hashes, snapshotId, tree } = parent;
    const { images } = this.#repository.storedSnapshot(snapshotId).record;
    const details = images.find(({ partition }) => partition === request.partition)?.details ?? {};
    const since = { hashes, snapshotId, sizeBytes: tree.sizeBytes, details };
    return new HintedSource(hints, source.sizeBytes, since);
  }

  async commit(): Promise<SnapshotRecord> {
    return this.#repository.foreground.during(() => this.#commit());
  }

  async #commit(): Promise<SnapshotRecord> {
    this.#check();
    const images = this.#finishedImages();
    this.#state = "committing";
    try {
      await this.#repository.data.seal();
      await this.#repository.nodes.seal();
      const record = await this.#repository.commit(
        {
          id: this.snapshotId,
          node: this.#request.node,
          parentId: this.#parent?.record.id ?? null,
          purpose: this.#request.purpose ?? "manual",
          comment: this.#request.comment ?? "",
          requestId: this.#request.requestId ?? null,
          startedMs: this.#startedMs,
          images,
        },
        () => this.#checkEpochs(),
      );
      this.#state = "committed";
      return record;
    } catch (error) {
      this.#state = "aborted";
      throw error;
    } finally {
      this.#end();
    }
  }

  #end(): void {
    this.#repository.sessions.delete(this);
    this.#repository.endSerial(this.#serial);
    for (const release of this.#holds) release();
  }

  #finishedImages(): FinishedImage[] {
    if (this.#images.size === 0) throw violation("A snapshot without any partition cannot be committed");
    return [...this.#images.values()].map((image) => {
      if (image.finished !== null) return image.finished;
      throw violation(
        `Partition ${JSON.stringify(image.request.partition)} was not finished before the commit`,
      );
    });
  }

  async abort(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "aborted";
    this.#end();
    for (const image of this.#images.values()) await image.abandon();
  }

  #check(): void {
    this.#repository.checkOpen();
    if (this.#state !== "open") throw violation(`Snapshot ${this.snapshotId} is ${this.#state} already`);
    this.#checkEpochs();
  }

  /** Throws why a pack this session wrote into was lost. */
  #checkEpochs(): void {
    for (const [store, epoch] of [
      [this.#repository.data, this.#epochs.data],
      [this.#repository.nodes, this.#epochs.nodes],
    ] as const) {
      if (store.epoch !== epoch) throw epoch.failure;
    }
  }
}

/** A diff whose base turned out to be unreadable is stored whole. */
function techniqueOf(plan: ImagePlan, parent: ParentImage | null): ImageTechnique {
  const { compression, patches, technique } = plan;
  return { compression, patches, technique: technique === "diff" && parent === null ? "full" : technique };
}

function openSource(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw new CodedError("source-missing", `${path} cannot be opened for reading.`, {
      hint: "Check that it exists and that this user may read it.",
      cause: error,
    });
  }
}

function checkSameSize(descriptor: number, source: ByteSource): void {
  const found = fstatSync(descriptor);
  if (!found.isFile() || found.size === source.sizeBytes) return;
  throw new CodedError(
    "source-changed-size",
    `${source.path} had ${source.sizeBytes} bytes at the start and has ${found.size} now.`,
    { hint: "Archive a partition while nothing changes it; nothing was committed.", retry: "later" },
  );
}

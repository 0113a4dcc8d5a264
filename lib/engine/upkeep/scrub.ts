// Scrub re-reads packs for rot, a budget at a time, and remembers a result for each pack, so that the next run goes on where it is most
// needed: what was bad, then what was never looked at, then what was looked at longest ago. Times only order the work.
//
// Light compares the file's SHA-256 with its name. Deep also decodes every segment and checks every digest: it would find
// what was wrong before it was ever written.
import { setTimeout as pause } from "node:timers/promises";
import { CodedError } from "#lib/model/errors.ts";
import { throwIfAborted } from "../archive/image-archiver.ts";
import type { Pace } from "../foreground.ts";
import { FormatError } from "../format/bytes.ts";
import { hashOfPackName, PACK_BYTES_MAX, packFolder } from "../format/pack-format.ts";
import { decodeResults, encodeResults, type PackResult, SCRUB_FILE } from "../format/scrub-format.ts";
import { NewerFormatError } from "../format/text-file.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { StoredFile } from "../storage/storage.ts";
import type { BlockStore } from "../store/block-store.ts";
import type { ScrubFinding, ScrubOptions, ScrubReport } from "../types.ts";
import { affectedBy } from "./affected.ts";
import { problemOfFile } from "./scrub-without-key.ts";

/** Two gigabytes of full packs: a run that is killed loses no more. */
const SAVE_EVERY_PACKS = 32;
/** Read at a time: archives and restores have their turn in between. */
const READ_BYTES = 4 * 1024 * 1024;

interface PackToScrub {
  readonly store: BlockStore;
  readonly file: StoredFile;
}

export class Scrub {
  readonly #state: RepositoryState;
  readonly #options: ScrubOptions;
  readonly #results = new Map<string, PackResult>();
  readonly #startedMs = performance.now();
  readonly #pace: Pace;
  #checkedBytes = 0;

  constructor(state: RepositoryState, options: ScrubOptions) {
    this.#state = state;
    this.#options = options;
    this.#pace = state.foreground.pace(() => this.#check());
  }

  async run(): Promise<ScrubReport> {
    const packs = await this.#packs();
    await this.#loadResults(packs);
    const ordered = this.#byNeed(packs);
    const totalBytes = ordered.reduce((sum, { file }) => sum + file.sizeBytes, 0);
    const problems = new Map<string, string>();
    let checkedPackCount = 0;
    try {
      for (const pack of ordered) {
        this.#check();
        // One at least, so that any budget gets on.
        if (checkedPackCount > 0 && this.#isTimeUp()) break;
        const problem = await this.#problemOf(pack);
        if (this.#state.removedPacks.has(pack.file.name)) continue; // Freed while we read it.
        this.#note(pack.file.name, problem);
        setTrust(pack.store, pack.file.name, problem);
        if (problem !== null) problems.set(pack.file.name, problem);
        checkedPackCount += 1;
        this.#options.onProgress?.({ doneBytes: this.#checkedBytes, totalBytes });
        if (checkedPackCount % SAVE_EVERY_PACKS === 0) await this.#saveResults();
      }
    } finally {
      await this.#saveResults();
    }
    return {
      packCount: packs.length,
      checkedPackCount,
      checkedBytes: this.#checkedBytes,
      uncheckedPackCount: packs.filter(({ file }) => this.#lastLook(file.name) === null).length,
      seconds: (performance.now() - this.#startedMs) / 1000,
      findings: await this.#findings(problems),
    };
  }

  async #packs(): Promise<PackToScrub[]> {
    const found: PackToScrub[] = [];
    for (const store of [this.#state.data, this.#state.nodes]) {
      for (const file of await this.#state.storage.list(packFolder(store.identity.kind))) {
        if (hashOfPackName(file.name) === null || this.#state.removedPacks.has(file.name)) continue;
        found.push({ store, file });
      }
    }
    return found;
  }

  #byNeed(packs: readonly PackToScrub[]): PackToScrub[] {
    const rank = ({ file: { name } }: PackToScrub) => {
      if ((this.#results.get(name)?.problem ?? null) !== null) return "";
      return this.#lastLook(name) ?? " ";
    };
    return packs
      .map((pack) => ({ pack, rank: rank(pack) }))
      .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0))
      .map(({ pack }) => pack);
  }

  #lastLook(name: string): string | null {
    const result = this.#results.get(name);
    return (this.#options.deep === true ? result?.deepAt : result?.lightAt) ?? null;
  }

  #check(): void {
    throwIfAborted(this.#options.signal);
    this.#state.checkOpen();
  }

  #isTimeUp(): boolean {
    const { secondsMax } = this.#options;
    return secondsMax !== undefined && performance.now() - this.#startedMs >= 1000 * secondsMax;
  }

  // Looking -----------------------------------------------------------------------------------------------------

  /** In words, or null. */
  async #problemOf(pack: PackToScrub): Promise<string | null> {
    try {
      return await (this.#options.deep === true ? this.#lookDeep(pack) : this.#lookLight(pack.file));
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== "storage-failed") throw error;
      return error.message;
    }
  }

  async #lookLight(file: StoredFile): Promise<string | null> {
    return problemOfFile(this.#state.storage, file, async (bytes) => {
      this.#check();
      await this.#pace.turn();
      await this.#keepPace(bytes);
    });
  }

  async #lookDeep({ store, file }: PackToScrub): Promise<string | null> {
    if (file.sizeBytes > PACK_BYTES_MAX) return `${file.sizeBytes} bytes are too many for a pack`;
    const bytes = new Uint8Array(file.sizeBytes);
    for (let at = 0; at < bytes.length; at += READ_BYTES) {
      await this.#state.storage.readAt(file.name, at, bytes.subarray(at, at + READ_BYTES));
      await this.#pace.turn();
    }
    const turn = () => this.#pace.turn();
    const problem = await this.#state.workers.checkPack(file.name, store.identity, bytes, turn);
    await this.#keepPace(file.sizeBytes);
    return problem;
  }

  /** Waits as long as the bytes read so far should have taken. */
  async #keepPace(bytes: number): Promise<void> {
    this.#checkedBytes += bytes;
    const { bytesPerSecond, signal } = this.#options;
    if (bytesPerSecond === undefined) return;
    const earlyMs = (1000 * this.#checkedBytes) / bytesPerSecond - (performance.now() - this.#startedMs);
    if (earlyMs < 1) return;
    // An abort ends the pause; the next check tells it by its name.
    await pause(earlyMs, undefined, { signal }).catch(() => undefined);
    this.#check();
  }

  // Results -----------------------------------------------------------------------------------------------------

  async #loadResults(packs: readonly PackToScrub[]): Promise<void> {
    const present = new Set(packs.map(({ file }) => file.name));
    for (const result of await storedResults(this.#state)) {
      if (present.has(result.name)) this.#results.set(result.name, result);
    }
  }

  #note(name: string, problem: string | null): void {
    const now = new Date(this.#state.clock.nowMs()).toISOString();
    const before = this.#results.get(name);
    const deepAt = this.#options.deep === true ? now : (before?.deepAt ?? null);
    this.#results.set(name, { name, lightAt: now, deepAt, problem });
  }

  /** A scrub whose results cannot be kept has still looked: a failure is not an error. A reader keeps none. */
  async #saveResults(): Promise<void> {
    if (this.#state.lock === null) return;
    try {
      const bytes = encodeResults(this.#state.info.id, [...this.#results.values()]);
      await this.#state.storage.writeFile(SCRUB_FILE, bytes);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
  }

  async #findings(problems: ReadonlyMap<string, string>): Promise<ScrubFinding[]> {
    if (problems.size === 0) return [];
    const affected = await affectedBy(this.#state, new Set(problems.keys()), () => this.#check());
    return [...problems].map(([file, problem]) => ({
      file,
      message: `The pack ${file} is damaged: ${problem}.`,
      affected: affected.get(file) ?? [],
    }));
  }
}

/** A cache: when it is missing or damaged, every pack was never looked at. */
export async function storedResults(state: RepositoryState): Promise<readonly PackResult[]> {
  const bytes = await state.storage.readFile(SCRUB_FILE);
  if (bytes === null) return [];
  try {
    return decodeResults(state.info.id, bytes);
  } catch (error) {
    if (!(error instanceof FormatError) && !(error instanceof NewerFormatError)) throw error;
    return [];
  }
}

function setTrust(store: BlockStore, name: string, problem: string | null): void {
  const packIndex = store.packs.indexOf(name);
  if (packIndex === null) return;
  if (problem === null) store.trust(packIndex);
  else store.distrust(packIndex);
}

/** At open: what the last scrub found bad is not deduplicated against, until it is looked at again. */
export async function distrustWhatWasBad(state: RepositoryState): Promise<void> {
  for (const { name, problem } of await storedResults(state)) {
    if (problem === null) continue;
    for (const store of [state.data, state.nodes]) setTrust(store, name, problem);
  }
}

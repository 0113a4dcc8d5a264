// World is one simulated repository with everything around it: the disk it lies on (which can fail, fill up, rot
// and lose power), the nodes whose partitions are archived, a clock, and the model that judges.
//
// The world knows how to open, crash and reopen and how to compare with the model; what happens in it is
// decided in steps.ts. All luck comes from one seed.

import { Chance } from "#lib/model/chance.ts";
import { CodedError } from "#lib/model/errors.ts";
import { createRepository, openRepository } from "../repository.ts";
import { type FaultPlan, type FaultyStorage, faultyStorage } from "../storage/faulty.ts";
import { type MemoryStorage, memoryStorage } from "../storage/memory.ts";
import type { Storage } from "../storage/storage.ts";
import type { Repository, RepositoryKey } from "../types.ts";
import { newDisk, targetOf } from "./disk.ts";
import { claim, ModelRepository, type ModelSnapshot } from "./model-repository.ts";

export interface SimulatedNode {
  readonly name: string;
  readonly partitions: Map<string, Uint8Array>;
}

/** What a piece of work came to. Only named failures are outcomes; anything else is a bug and flies on. */
export type Outcome<Value> = { readonly value: Value } | { readonly failure: CodedError };

/** By seed, not by luck: the other seeds stay what they were. */
const ENCRYPTED_EVERY = 4;
const NEWEST_CHECKED = 4;
const OLDER_CHECKED = 4;
const DAY_MS = 86_400_000;
const BLOCK_SIZES = [512, 1024, 4096, 4096, 4096, 16384, 65536] as const;

export class World {
  readonly chance: Chance;
  readonly disk: MemoryStorage;
  readonly model: ModelRepository;
  readonly nodes: readonly SimulatedNode[];
  readonly blockSize: number;
  readonly #key: RepositoryKey | undefined;
  #storage: FaultyStorage;
  #repository: Repository | null = null;
  /** False after reads that went wrong: what cannot be read is stored again rather than found. */
  findsEveryBlock = true;
  #nowMs = Date.UTC(2026, 0, 1);

  static async create(seed: number): Promise<World> {
    const world = new World(new Chance(seed), seed % ENCRYPTED_EVERY === 0);
    await createRepository({
      ...world.surroundings(),
      storage: world.disk.connect(),
      blockSize: world.blockSize,
      reserveBytes: world.chance.pick([0, 0, 65_536]),
    });
    await world.open();
    return world;
  }

  constructor(chance: Chance, isEncrypted = false) {
    this.#key = isEncrypted ? { kind: "key-file", bytes: new Uint8Array(32).fill(1) } : undefined;
    this.chance = chance;
    this.disk = memoryStorage();
    this.#storage = faultyStorage(this.disk.connect());
    this.blockSize = chance.pick(BLOCK_SIZES);
    this.model = new ModelRepository(this.blockSize);
    this.nodes = Array.from({ length: chance.between(1, 3) }, (_, index) =>
      newNode(`pc-${index + 1}`, chance),
    );
  }

  get repository(): Repository {
    if (this.#repository === null) throw new Error("Bug: the simulated repository is not open");
    return this.#repository;
  }

  get storage(): FaultyStorage {
    return this.#storage;
  }

  /** The clock stands still now and then, and sometimes goes backwards, as those of servers do; now and then somebody
   *  sets it, years ahead or back. */
  surroundings() {
    const nowMs = () => {
      const set = this.chance.happens(0.01) ? this.chance.pick([40, 400, -40, -400]) * DAY_MS : 0;
      this.#nowMs += set + this.chance.pick([0, 1, 1000, 60_000, -5000]);
      return this.#nowMs;
    };
    return { clock: { nowMs }, random: this.chance, threads: 0, key: this.#key } as const;
  }

  async open(): Promise<void> {
    await this.openUnjudged();
    this.model.checkListing(this.repository.snapshots());
    this.model.settle(this.repository.snapshots());
  }

  /** Open without comparing the list: of a damaged store some of it may be missing. */
  async openUnjudged(): Promise<void> {
    this.findsEveryBlock = true;
    this.#storage = faultyStorage(this.disk.connect());
    this.#repository = await this.#openWriter(this.#storage);
  }

  async openSecondWriter(): Promise<Repository> {
    return this.#openWriter(this.disk.connect());
  }

  #openWriter(storage: Storage): Promise<Repository> {
    return openRepository({ ...this.surroundings(), storage, access: "write", owner: "simulation" });
  }

  async close(): Promise<void> {
    await this.repository.close();
    this.#repository = null;
  }

  async reopen(): Promise<void> {
    await this.close();
    await this.open();
  }

  /** Power off, at this moment or already; then the next process opens what survived. */
  async crash(): Promise<void> {
    this.#storage.replan({ onCrash: () => this.disk.crash(() => this.chance.float()) });
    this.#storage.crash();
    await this.openAfterCrash();
  }

  async openAfterCrash(): Promise<void> {
    // Closing on a storage that is gone changes nothing there; it ends the dead process's hold on the lock, which
    // in the world is noticed by its process number.
    if (this.#repository !== null) await outcomeOf(this.#repository.close.bind(this.#repository));
    this.#repository = null;
    await this.open();
  }

  /** Runs `work` on a disk that fails by `plan`. When the fault was a crash, the survivor is open afterwards;
   *  otherwise the disk is sound again. */
  async withFaults<Value>(plan: FaultPlan, work: () => Promise<Value>): Promise<Outcome<Value>> {
    this.#storage.replan({
      random: () => this.chance.float(),
      onCrash: () => this.disk.crash(() => this.chance.float()),
      ...plan,
    });
    this.findsEveryBlock = false;
    const outcome = await outcomeOf(work);
    if (this.#storage.crashed) await this.openAfterCrash();
    else {
      this.#storage.free();
      this.#storage.replan({});
    }
    return outcome;
  }

  node(name: string): SimulatedNode {
    const found = this.nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`Bug: no node ${name}`);
    return found;
  }

  /** Every partition of every node: what a copied file may come from. */
  allDisks(): Uint8Array[] {
    return this.nodes.flatMap((node) => [...node.partitions.values()]);
  }

  async assertEverySnapshotRestores(): Promise<void> {
    this.model.checkListing(this.repository.snapshots());
    for (const snapshot of this.model.snapshots) await this.assertRestores(this.repository, snapshot);
  }

  /** After each mishap: all snapshots are listed; all of a young repository, the newest and some others of an
   *  old one, restore. The end of each run restores all of them. */
  async assertSnapshotsRestore(): Promise<void> {
    this.model.checkListing(this.repository.snapshots());
    const newest = this.model.snapshots.slice(-NEWEST_CHECKED);
    const older = this.chance
      .shuffled(this.model.snapshots.slice(0, -NEWEST_CHECKED))
      .slice(0, OLDER_CHECKED);
    for (const snapshot of [...newest, ...older]) await this.assertRestores(this.repository, snapshot);
  }

  /** Byte for byte, onto a new file. */
  async assertRestores(repository: Repository, snapshot: ModelSnapshot): Promise<void> {
    for (const [partition, bytes] of snapshot.images) {
      const target = { ...targetOf(new Uint8Array(bytes.length)), isBlank: true };
      await repository.restore(snapshot.id, partition, target);
      claimSame(target.bytes, bytes, `${partition} of ${snapshot.id}`);
    }
  }

  async assertSound(): Promise<void> {
    await this.assertEverySnapshotRestores();
    const report = await this.repository.verify();
    claim(report.findings.length === 0, `verify finds ${JSON.stringify(report.findings)}`);
    claim(
      report.snapshotCount === this.model.snapshots.length,
      `verify saw ${report.snapshotCount} snapshots of ${this.model.snapshots.length}`,
    );
  }
}

function newNode(name: string, chance: Chance): SimulatedNode {
  const partitions = new Map<string, Uint8Array>();
  for (const partition of ["sda1", "sda2"].slice(0, chance.between(1, 2))) {
    partitions.set(partition, newDisk(chance));
  }
  return { name, partitions };
}

export async function outcomeOf<Value>(work: () => Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof CodedError) return { failure: error };
    throw error;
  }
}

export function claimSame(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(actual, expected) === 0) return;
  const at = expected.findIndex((byte, index) => actual[index] !== byte);
  claim(false, `${what} differs at byte ${at} of ${expected.length} (${actual.length} given)`);
}

// Steps that take images out again: over targets of every kind, interrupted and resumed, page by page, and by
// a reader beside the writer. What comes out is compared with the model byte by byte.
import { PAGE_BYTES, pageCountOf, pageLength } from "#lib/page/page.ts";
import { openRepository } from "../repository.ts";
import { changedDisk, type SimulatedTarget, targetOf } from "./disk.ts";
import { claim, type ModelSnapshot } from "./model-repository.ts";
import { claimSame, outcomeOf, type World } from "./world.ts";

const BOOT_BYTES = 4096;

interface Wanted {
  readonly snapshot: ModelSnapshot;
  readonly partition: string;
  readonly bytes: Uint8Array;
}

/** Any image the model knows, or null while there is none. */
export function anyImage(world: World): Wanted | null {
  const snapshots = world.model.snapshots;
  if (snapshots.length === 0) return null;
  const snapshot = world.chance.pick(snapshots);
  const [partition, bytes] = world.chance.pick([...snapshot.images]);
  return { snapshot, partition, bytes };
}

/** What lies on a target before: nothing, noise, nearly the right thing, or another partition; maybe longer. */
function anyTargetBytes(world: World, bytes: Uint8Array): Uint8Array {
  const { chance } = world;
  const target = new Uint8Array(bytes.length + (chance.happens(0.2) ? chance.between(1, 300_000) : 0));
  const before = chance.pick([
    () => new Uint8Array(0),
    () => chance.bytes(target.length),
    () => new Uint8Array(target.length).fill(0xff),
    () => changedDisk(bytes, chance, []),
    () => bytes,
    () => chance.pick([bytes, ...world.allDisks()]),
  ])();
  target.set(before.subarray(0, target.length));
  return target;
}

export async function restoreOver(world: World): Promise<string> {
  const wanted = anyImage(world);
  if (wanted === null) return "nothing to restore";
  const before = anyTargetBytes(world, wanted.bytes);
  const target = targetOf(new Uint8Array(before));
  const report = await world.repository.restore(wanted.snapshot.id, wanted.partition, target);
  claimRestored(wanted, before, target);
  claimWroteLittle(wanted, before, target, report.writtenBytes);
  return `${wanted.partition} of ${wanted.snapshot.node}, ${report.writtenBytes} of ${wanted.bytes.length} bytes written`;
}

/** The image is there, what lies behind it was left alone, and it is on stable storage. */
function claimRestored(wanted: Wanted, before: Uint8Array, target: SimulatedTarget): void {
  const { bytes } = wanted;
  claimSame(target.bytes.subarray(0, bytes.length), bytes, `restored ${wanted.partition}`);
  claimSame(target.bytes.subarray(bytes.length), before.subarray(bytes.length), "what lies behind the image");
  claim(target.flushCount > 0, "a restore ended without a flush");
}

/** Only what differs is written: at most the pages that differ, and nothing on an equal target. The boot sector may
 *  be blanked first and written again last, so that a half restored partition is never taken for a whole one. */
function claimWroteLittle(
  wanted: Wanted,
  before: Uint8Array,
  target: SimulatedTarget,
  writtenBytes: number,
): void {
  let differing = 0;
  for (let page = 0; page < pageCountOf(wanted.bytes.length); page++) {
    const end = page * PAGE_BYTES + pageLength(wanted.bytes.length, page);
    const [a, b] = [wanted.bytes.subarray(page * PAGE_BYTES, end), before.subarray(page * PAGE_BYTES, end)];
    if (Buffer.compare(a, b) !== 0) differing += a.length;
  }
  const writtenMax = differing === 0 ? 0 : differing + 2 * BOOT_BYTES;
  claim(
    target.touchedBytes <= writtenMax,
    `${target.touchedBytes} bytes written, pages with ${differing} differ`,
  );
  claim(
    writtenBytes === target.touchedBytes,
    `${writtenBytes} of ${target.touchedBytes} written bytes reported`,
  );
}

/** The target dies in mid-restore, or someone stops it; the next restore finishes the work. */
export async function restoreInterrupted(world: World): Promise<string> {
  const wanted = anyImage(world);
  if (wanted === null) return "nothing to restore";
  const { snapshot, partition, bytes } = wanted;
  const before = anyTargetBytes(world, bytes);
  const dying = targetOf(new Uint8Array(before), world.chance.smallBetween(1, 12));
  const first = await outcomeOf(() => world.repository.restore(snapshot.id, partition, dying));
  if ("failure" in first) {
    claim(first.failure.code === "target-write-failed", `a dead target is called ${first.failure.code}`);
  } else claimRestored(wanted, before, dying);
  await restoreStopped(world, wanted, dying.bytes);
  const resumed = targetOf(dying.bytes);
  await world.repository.restore(snapshot.id, partition, resumed);
  claimRestored(wanted, before, resumed);
  return "failure" in first ? "resumed" : "done at once";
}

async function restoreStopped(world: World, wanted: Wanted, bytes: Uint8Array): Promise<void> {
  const stop = new AbortController();
  const onProgress = () => stop.abort();
  const work = world.repository.restore(wanted.snapshot.id, wanted.partition, targetOf(bytes), {
    signal: stop.signal,
    onProgress,
  });
  // Stopping may come too late for a small image; both ends are fine, an untyped bug is not our catch.
  await work.catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
}

export async function restoreTooSmall(world: World): Promise<string> {
  const wanted = anyImage(world);
  if (wanted === null) return "nothing to restore";
  const target = targetOf(new Uint8Array(wanted.bytes.length - 1).fill(7));
  const outcome = await outcomeOf(() =>
    world.repository.restore(wanted.snapshot.id, wanted.partition, target),
  );
  claim("failure" in outcome && outcome.failure.code === "target-too-small", "a small target was accepted");
  claim(target.touchedBytes === 0, "a small target was written to");
  return "refused";
}

export async function readSomePages(world: World): Promise<string> {
  const wanted = anyImage(world);
  if (wanted === null) return "nothing to read";
  const { bytes } = wanted;
  const reader = await world.repository.openImage(wanted.snapshot.id, wanted.partition);
  claim(reader.pageCount === pageCountOf(bytes.length), `the reader has ${reader.pageCount} pages`);
  const all = Array.from({ length: reader.pageCount }, (_, page) => page);
  const pages = world.chance.shuffled(all).slice(0, world.chance.between(0, all.length));
  const missing = new Set(pages);
  try {
    await reader.readPages(pages, async (record, content) => {
      claim(missing.delete(record.index), `page ${record.index} came twice or unasked`);
      const start = record.index * PAGE_BYTES;
      claimSame(content, bytes.subarray(start, start + PAGE_BYTES), `page ${record.index}`);
    });
  } finally {
    reader.close();
  }
  claim(missing.size === 0, `${missing.size} pages did not come`);
  return `${pages.length} pages`;
}

/** A reader sees exactly what is committed, while the writer goes on, and leaves no trace. */
export async function readOnlyBeside(world: World): Promise<string> {
  const filesBefore = JSON.stringify(await world.disk.list(""));
  const reader = await openRepository({
    ...world.surroundings(),
    storage: world.disk.connect(),
    access: "read",
  });
  const listed = reader.snapshots();
  world.model.checkListing(listed);
  const wanted = anyImage(world);
  if (wanted !== null) await world.assertRestores(reader, wanted.snapshot);
  const outcome = await outcomeOf(() => reader.beginArchive({ node: "reader" }));
  claim("failure" in outcome, "a reader could archive");
  await reader.close();
  claim(JSON.stringify(await world.disk.list("")) === filesBefore, "a reader changed the repository");
  return `${listed.length} snapshots`;
}

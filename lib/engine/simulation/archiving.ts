// How simulated nodes are archived: by a local source, or page by page as an agent does it. Each way ends in
// the model being told what must exist from now on.

import { parseCompression } from "#lib/model/compression.ts";
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import { hashPage, PAGE_BYTES, pageCountOf } from "#lib/page/page.ts";
import { PATCH_BYTES_MAX } from "../format/patch-format.ts";
import type { ArchiveSession, ImageRecord, ImageWriter, StorageChoice, Technique } from "../types.ts";
import { changedDisk, newDisk, sourceOf } from "./disk.ts";
import { claim } from "./model-repository.ts";
import { outcomeOf, type SimulatedNode, type World } from "./world.ts";

export type ArchiveWay = "source" | "agent";

/** A session and what it has archived so far. */
export interface OpenArchive {
  readonly node: SimulatedNode;
  readonly session: ArchiveSession;
  readonly technique: Technique;
  readonly images: Map<string, Uint8Array>;
  readonly left: string[];
}

const COMPRESSIONS = [undefined, "none", "gzip:1", "zstd:1", "zstd:9"] as const;

/** Mostly the usual technique, now and then another one. */
function anyChoice(world: World, node: SimulatedNode): StorageChoice {
  const { chance, model } = world;
  const technique = chance.pick(["repository", "repository", "repository", "full", "diff"] as const);
  const compression = parseCompression(chance.pick(COMPRESSIONS) ?? "") ?? undefined;
  if (technique !== "diff") return { technique, compression };
  const ofNode = model.snapshots.filter(
    (made) => made.node === node.name && [...node.partitions.keys()].every((name) => made.images.has(name)),
  );
  const named = ofNode.length > 0 ? chance.pick(ofNode).id : undefined;
  return { technique, compression, base: chance.pick(["first", "previous", named]) };
}

export async function archiveNode(
  world: World,
  node: SimulatedNode,
  way: ArchiveWay,
  choice: StorageChoice = anyChoice(world, node),
): Promise<string> {
  const archive = await beginArchive(world, node, choice);
  try {
    while (archive.left.length > 0) await archiveNext(world, archive, way);
  } catch (error) {
    await abandon(archive);
    throw error;
  }
  return commitArchive(world, archive);
}

export async function beginArchive(
  world: World,
  node: SimulatedNode,
  choice: StorageChoice = anyChoice(world, node),
): Promise<OpenArchive> {
  const session = await world.repository.beginArchive({ node: node.name, comment: "simulated", ...choice });
  const technique = choice.technique ?? "repository";
  return { node, session, technique, images: new Map(), left: world.chance.shuffled(node.partitions.keys()) };
}

export async function archiveNext(world: World, archive: OpenArchive, way: ArchiveWay): Promise<void> {
  const partition = archive.left.shift();
  const bytes = archive.node.partitions.get(partition ?? "");
  if (partition === undefined || bytes === undefined) throw new Error("Bug: nothing left to archive");
  const record =
    way === "source"
      ? await archive.session.archiveSource({ partition, details: { way } }, sourceOf(bytes))
      : await archiveByPages(world, archive.session, partition, bytes);
  archive.images.set(partition, bytes);
  world.model.checkRoot(bytes, record.contentRoot);
  claim(record.sizeBytes === bytes.length, `an image of ${bytes.length} bytes records ${record.sizeBytes}`);
  checkNewBytes(world, record, bytes);
}

function checkNewBytes(world: World, record: ImageRecord, bytes: Uint8Array): void {
  const { technique, newBytes, baseId } = record;
  const { model, findsEveryBlock } = world;
  if (technique === "repository") {
    // A page that is patched already is patched anew against its blocks: all of its patch counts, not only what differs since.
    const patches = Math.ceil(bytes.length / PAGE_BYTES) * PATCH_BYTES_MAX;
    const most = Math.min(
      bytes.length,
      (findsEveryBlock ? model.newBytesMax(bytes) : bytes.length) + patches,
    );
    claim(newBytes <= most, `${newBytes} bytes are called new, at most ${most} are`);
  } else if (technique === "full") {
    const whole = model.wholeBytes(bytes);
    claim(newBytes === whole, `a full image stores ${newBytes} of ${whole} bytes`);
  } else {
    const base = model.snapshots.find((made) => made.id === baseId)?.images.get(record.partition);
    claim(base !== undefined, `a diff was made against ${baseId}, which has no such image`);
    const differing = model.differingBytes(bytes, base);
    const fits = findsEveryBlock ? newBytes === differing : newBytes >= differing;
    claim(fits, `a diff stores ${newBytes} bytes, ${differing} differ`);
  }
}

export async function commitArchive(world: World, archive: OpenArchive): Promise<string> {
  const { node, images, session } = archive;
  const made = { id: session.snapshotId, node: node.name, technique: archive.technique, images };
  try {
    const record = await session.commit();
    claim(record.id === session.snapshotId, `commit made ${record.id} of session ${session.snapshotId}`);
    world.model.commit({ ...made, record });
  } catch (error) {
    world.model.doubt({ ...made, record: null });
    await abandon(archive);
    throw error;
  }
  return `${node.name}: ${[...images.values()].map((bytes) => bytes.length).join(" + ")} bytes`;
}

/** Ends a session that failed; on a crashed storage aborting may fail too, but only by name. */
export async function abandon(archive: OpenArchive): Promise<void> {
  await outcomeOf(() => archive.session.abort());
}

/** As an agent over a bad line does it: offers in batches, some twice, pages in any order, one of them wrong. */
async function archiveByPages(
  world: World,
  session: ArchiveSession,
  partition: string,
  bytes: Uint8Array,
): Promise<ImageRecord> {
  const { chance } = world;
  const details = { way: "agent" };
  const writer = await session.beginImage({ partition, sizeBytes: bytes.length, details });
  claim(writer.pageCount === pageCountOf(bytes.length), `page count ${writer.pageCount}`);
  const wanted = new Set<number>();
  for (const first of batchStarts(writer.pageCount, chance.between(1, 8))) {
    for (const page of writer.offer(first.start, hashesOf(bytes, first.start, first.count))) wanted.add(page);
  }
  const order = chance.happens(0.5) ? chance.shuffled(wanted) : [...wanted].sort((a, b) => a - b);
  for (const page of order) await putPage(world, writer, page, bytes);
  return writer.finish();
}

async function putPage(world: World, writer: ImageWriter, page: number, bytes: Uint8Array): Promise<void> {
  const content = bytes.slice(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
  if (world.chance.happens(0.05)) await claimRefusedWhenWrong(writer, page, content);
  // A receiver's buffer is reused: what put has taken must not change with it.
  await writer.put(page, content);
  content.fill(0x55);
}

async function claimRefusedWhenWrong(writer: ImageWriter, page: number, content: Uint8Array): Promise<void> {
  const wrong = new Uint8Array(content);
  wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1;
  const outcome = await outcomeOf(() => writer.put(page, wrong));
  claim("failure" in outcome, "a page that differs from its offered hash was taken");
  const expected = ["page-hash-mismatch", "storage-failed", "storage-full"];
  claim(expected.includes(outcome.failure.code), `a wrong page was refused with ${outcome.failure.code}`);
}

function batchStarts(pageCount: number, batch: number): { start: number; count: number }[] {
  const starts = [];
  for (let start = 0; start < pageCount; start += batch) {
    starts.push({ start, count: Math.min(batch, pageCount - start) });
  }
  return starts;
}

function hashesOf(bytes: Uint8Array, firstPage: number, count: number): Uint8Array {
  const hashes: Uint8Array[] = [];
  for (let page = firstPage; page < firstPage + count; page++) {
    hashes.push(hashPage(bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)));
  }
  return new Uint8Array(Buffer.concat(hashes));
}

/** Two sessions take in pages of nearly the same partition at once, so that one refers to blocks of the other that lie
 *  in no pack yet. One commits while the other is in mid-image; what becomes of the other must not matter to it. */
export async function archiveEntangled(world: World): Promise<string> {
  const { chance } = world;
  const bytes = newDisk(chance, chance.between(PAGE_BYTES, 3 * PAGE_BYTES));
  bytes.set(chance.text(100_000), chance.between(0, bytes.length - 100_000));
  const late = await beginEntangled(world, bytes);
  const early = await beginEntangled(world, changedDisk(bytes, chance, []));
  for (const page of late.wanted.splice(0, 2)) await putPage(world, late.writer, page, late.bytes);
  for (const page of early.wanted) await putPage(world, early.writer, page, early.bytes);
  await early.writer.finish();
  await commitArchive(world, early.archive);
  return endLate(world, late);
}

interface Entangled {
  readonly archive: OpenArchive;
  readonly writer: ImageWriter;
  readonly bytes: Uint8Array;
  readonly wanted: number[];
}

async function beginEntangled(world: World, bytes: Uint8Array): Promise<Entangled> {
  const archive = await beginArchive(world, world.chance.pick(world.nodes), {});
  const writer = await archive.session.beginImage({ partition: "entangled", sizeBytes: bytes.length });
  archive.images.set("entangled", bytes);
  const wanted = writer.offer(0, hashesOf(bytes, 0, writer.pageCount));
  return { archive, writer, bytes, wanted: world.chance.shuffled(wanted) };
}

async function endLate(world: World, late: Entangled): Promise<string> {
  const end = world.chance.pick(["crash", "crash", "abort", "go on"] as const);
  if (end === "crash") await world.crash();
  if (end === "abort") await late.archive.session.abort();
  if (end === "go on") {
    for (const page of late.wanted) await putPage(world, late.writer, page, late.bytes);
    await late.writer.finish();
    await commitArchive(world, late.archive);
  }
  await world.assertSnapshotsRestore();
  return end;
}

/** Finishing without all pages must name the first missing one and make nothing. */
export async function claimIncompleteRefused(world: World, node: SimulatedNode): Promise<void> {
  // Without a named base: no snapshot has this partition.
  const archive = await beginArchive(world, node, { technique: world.chance.pick(TECHNIQUES) });
  const bytes = world.chance.bytes(PAGE_BYTES + 100);
  const writer = await archive.session.beginImage({ partition: "partial", sizeBytes: bytes.length });
  writer.offer(0, hashesOf(bytes, 0, 2));
  await writer.put(1, bytes.slice(PAGE_BYTES));
  const outcome = await outcomeOf(() => writer.finish());
  claim(
    "failure" in outcome && outcome.failure.code === "protocol-violation",
    "an incomplete image finished",
  );
  await archive.session.abort();
}

// Rows of nodes: how a PC comes in (enrol, approve, refuse), what its agent says of its disks, when it was last heard.
// The identity is the agent's key; names, MAC and serial are words for people.
import { createHash } from "node:crypto";
import { systemRandom } from "#lib/model/clock.ts";
import { CodedError } from "#lib/model/errors.ts";
import { newId } from "#lib/model/ids.ts";
import { type DiskInfo, isNodeName, type NodeLifeCycle } from "#lib/model/node.ts";
import { database, inTransaction, type Transaction } from "./client.ts";
import { notify } from "./notify.ts";
import { OPEN_TASK_STATES } from "./transitions.ts";

export interface NodeSummary {
  readonly id: string;
  readonly name: string;
  readonly groupId: string | null;
  readonly groupName: string | null;
  readonly seat: number | null;
  readonly lifeCycle: NodeLifeCycle;
  readonly enrolmentCode: string;
  readonly macAddress: string | null;
  readonly serialNumber: string | null;
  readonly agentVersion: string | null;
  readonly lastSeenAtMs: number | null;
}

export interface EnrolledNode {
  readonly nodeId: string;
  readonly name: string;
  readonly lifeCycle: NodeLifeCycle;
}

export interface EnrolInput {
  readonly keyHash: string;
  readonly proposedName: string;
  readonly code: string;
  readonly macAddress?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly agentVersion: string;
  readonly enrolmentKey?: string | undefined;
}

/** A node known only from the repository: it has a history but no key yet, so its row carries this instead. */
const IMPORTED_KEY_PREFIX = "imported:";
/** The classroom of such nodes: nobody knows where they stood. */
const ADOPTED_GROUP = "adopted";

const SUMMARY = { include: { group: { select: { name: true } } } } as const;

interface NodeRow extends Omit<NodeSummary, "groupName" | "lastSeenAtMs"> {
  readonly group: { readonly name: string } | null;
  readonly lastSeenAt: Date | null;
}

export function summaryOfNode(row: NodeRow): NodeSummary {
  return {
    id: row.id,
    name: row.name,
    groupId: row.groupId,
    groupName: row.group?.name ?? null,
    seat: row.seat,
    lifeCycle: row.lifeCycle,
    enrolmentCode: row.enrolmentCode,
    macAddress: row.macAddress,
    serialNumber: row.serialNumber,
    agentVersion: row.agentVersion,
    lastSeenAtMs: row.lastSeenAt?.getTime() ?? null,
  };
}

export async function findNode(nodeId: string): Promise<NodeSummary | null> {
  const row = await database().node.findUnique({ where: { id: nodeId }, ...SUMMARY });
  return row === null ? null : summaryOfNode(row);
}

export async function requireNode(nodeId: string): Promise<NodeSummary> {
  const node = await findNode(nodeId);
  if (node !== null) return node;
  throw new CodedError("node-unknown", `There is no node ${nodeId}.`, {
    hint: "Reload the list; it may be retired.",
  });
}

export async function findNodeByKeyHash(keyHash: string): Promise<NodeSummary | null> {
  const row = await database().node.findUnique({ where: { keyHash }, ...SUMMARY });
  return row === null ? null : summaryOfNode(row);
}

export async function listNodes(where: { readonly groupId?: string } = {}): Promise<NodeSummary[]> {
  const rows = await database().node.findMany({
    where: { ...(where.groupId === undefined ? {} : { groupId: where.groupId }) },
    orderBy: [{ seat: "asc" }, { name: "asc" }],
    ...SUMMARY,
  });
  return rows.map(summaryOfNode);
}

/** One row per key, however often the agent asks. A valid enrolment key approves it at once. Refused keys stay refused; they
 *  are not counted among those that wait, since only a person makes them. */
export async function enrolNode(input: EnrolInput): Promise<EnrolledNode> {
  return inTransaction(async (tx) => {
    // Two PCs of the same proposed name must not race for it; enrolments are rare, so one lock for all is enough.
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('sheepfold enrolment'))`;
    const key = await validEnrolmentKey(tx, input.enrolmentKey);
    const known = await tx.node.findUnique({ where: { keyHash: input.keyHash } });
    const hints = {
      enrolmentCode: input.code.slice(0, 16),
      macAddress: input.macAddress?.slice(0, 128) ?? null,
      serialNumber: input.serialNumber?.slice(0, 128) ?? null,
      agentVersion: input.agentVersion.slice(0, 128),
      lastSeenAt: new Date(),
    };
    const approval =
      key !== null && (known === null || known.lifeCycle === "pending")
        ? { lifeCycle: "enrolled" as const, groupId: key.groupId }
        : {};
    const id = known?.id ?? newId("node", systemRandom);
    const wanted = known === null ? nameFrom(input.proposedName) : known.name;
    if (key === null && known === null) await makeRoomInInbox(tx);
    if (key !== null && known === null) await adoptImported(tx, wanted, id, () => createRow());
    else if (known === null) await createRow();
    else await tx.node.update({ where: { id }, data: { ...hints, ...approval } });
    await notify("nodes", id, tx);
    const row = await tx.node.findUniqueOrThrow({ where: { id } });
    return { nodeId: row.id, name: row.name, lifeCycle: row.lifeCycle };

    async function createRow(): Promise<void> {
      const name = await freeName(tx, wanted);
      await tx.node.create({ data: { id, name, keyHash: input.keyHash, ...hints, ...approval } });
    }
  });
}

/** More PCs than any person would approve by hand; a roll-out of that size uses an enrolment key. */
const PENDING_NODES_MAX = 500;
/** An agent that waits asks every few seconds: one that was silent this long gives way. It comes back by itself when it asks again. */
const PENDING_SILENT_MS = 60_000;

/** Whoever has not asked for the longest time gives way to a new one; while all still ask, the new one is turned away. A row with a
 *  history never gives way: snapshots found in a repository belong to the node of their name even while it waits. */
async function makeRoomInInbox(tx: Transaction): Promise<void> {
  const pendingCount = await tx.node.count({ where: { lifeCycle: "pending" } });
  if (pendingCount < PENDING_NODES_MAX) return;
  const silent = await tx.node.findMany({
    where: {
      lifeCycle: "pending",
      snapshots: { none: {} },
      tasks: { none: {} },
      OR: [{ lastSeenAt: null }, { lastSeenAt: { lt: new Date(Date.now() - PENDING_SILENT_MS) } }],
    },
    orderBy: { lastSeenAt: { sort: "asc", nulls: "first" } },
    take: pendingCount - PENDING_NODES_MAX + 1,
    select: { id: true },
  });
  if (silent.length === 0) {
    throw new CodedError("enrolment-too-many", `${pendingCount} PCs wait for approval already.`, {
      hint: "Approve or refuse some in the enrolment inbox, or use an enrolment key.",
      retry: "later",
    });
  }
  await tx.node.deleteMany({ where: { id: { in: silent.map((node) => node.id) } } });
}

export interface ApproveInput {
  readonly name: string;
  readonly groupId: string | null;
  readonly seat?: number | null | undefined;
}

/** Binds the PC's key to a name and a classroom. A name known only from the repository is taken over with its snapshots. */
export async function approveNode(nodeId: string, input: ApproveInput): Promise<void> {
  await inTransaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('sheepfold enrolment'))`;
    const node = await tx.node.findUnique({ where: { id: nodeId } });
    if (node === null || node.lifeCycle === "retired") {
      throw new CodedError("node-unknown", `There is no node ${nodeId} to approve.`);
    }
    if (node.name !== input.name) await assertNameless(tx, node);
    const rename = async () => {
      const holder = await tx.node.findUnique({ where: { name: input.name } });
      if (holder !== null && holder.id !== nodeId) {
        throw new CodedError("input-invalid", `The name ${input.name} belongs to another node.`, {
          hint: "Choose another name.",
        });
      }
      await tx.node.update({
        where: { id: nodeId },
        data: { name: input.name, groupId: input.groupId, seat: input.seat ?? null, lifeCycle: "enrolled" },
      });
    };
    await adoptImported(tx, input.name, nodeId, rename);
    await notify("nodes", nodeId, tx);
  });
}

/** The repository knows nodes by name and continues a name's lineage: a name with snapshots under it is its node's for ever,
 *  or the next PC of that name would continue another's history. Names of nodes without a history may still change. */
async function assertNameless(
  tx: Transaction,
  node: { readonly id: string; readonly name: string },
): Promise<void> {
  // As jobs and leases do: no archive under the old name begins while we look.
  await tx.$queryRaw`SELECT id FROM nodes WHERE id = ${node.id} FOR UPDATE`;
  const snapshots = await tx.snapshot.count({ where: { nodeId: node.id } });
  const archives = await tx.task.count({
    where: { nodeId: node.id, kind: "archive", state: { in: OPEN_TASK_STATES } },
  });
  if (snapshots + archives === 0) return;
  throw new CodedError("input-invalid", `${node.name} keeps its name: its snapshots are kept under it.`, {
    hint: `Approve it as ${node.name}.`,
  });
}

export async function refuseNode(nodeId: string): Promise<void> {
  const changed = await database().node.updateMany({
    where: { id: nodeId, lifeCycle: { in: ["pending", "refused"] } },
    data: { lifeCycle: "refused" },
  });
  if (changed.count === 0) {
    throw new CodedError("node-unknown", `Node ${nodeId} does not wait for approval.`);
  }
  await notify("nodes", nodeId);
}

/** What the agent said of itself: replaces the disks of the row by those it sees now. */
export async function recordHello(
  nodeId: string,
  hello: { readonly agentVersion: string; readonly disks: readonly DiskInfo[] },
): Promise<void> {
  await inTransaction(async (tx) => {
    await tx.node.update({
      where: { id: nodeId },
      data: { agentVersion: hello.agentVersion, lastSeenAt: new Date() },
    });
    await tx.disk.deleteMany({ where: { nodeId } });
    for (const disk of hello.disks) {
      const diskId = newId("disk", systemRandom);
      await tx.disk.create({
        data: {
          id: diskId,
          nodeId,
          serial: disk.serial,
          model: disk.model,
          sizeBytes: BigInt(disk.sizeBytes),
          sectorSize: disk.sectorSize,
        },
      });
      await tx.diskPartition.createMany({
        data: disk.partitions.map((partition) => ({
          id: newId("part", systemRandom),
          diskId,
          name: partition.name,
          label: partition.label,
          typeName: partition.typeName,
          offsetBytes: BigInt(partition.offsetBytes),
          sizeBytes: BigInt(partition.sizeBytes),
        })),
      });
    }
    await notify("nodes", nodeId, tx);
  });
}

/** The agent was heard just now. Watchers are told only when it was offline before, or every poll would wake them. */
export async function touchNode(nodeId: string): Promise<void> {
  const node = await database().node.findUnique({ where: { id: nodeId }, select: { lastSeenAt: true } });
  if (node === null) return;
  await database().node.update({ where: { id: nodeId }, data: { lastSeenAt: new Date() } });
  if (Date.now() - (node.lastSeenAt?.getTime() ?? 0) > QUIET_MS) await notify("nodes", nodeId);
}
/** Longer than an idle agent's long poll. */
const QUIET_MS = 25_000;

export async function disksOfNode(
  nodeId: string,
  tx: Pick<Transaction, "disk"> = database(),
): Promise<DiskInfo[]> {
  const disks = await tx.disk.findMany({
    where: { nodeId },
    include: { partitions: { orderBy: { offsetBytes: "asc" } } },
    orderBy: { serial: "asc" },
  });
  return disks.map((disk) => ({
    serial: disk.serial,
    model: disk.model,
    sizeBytes: Number(disk.sizeBytes),
    sectorSize: disk.sectorSize,
    partitions: disk.partitions.map((partition) => ({
      name: partition.name,
      label: partition.label,
      typeName: partition.typeName,
      offsetBytes: Number(partition.offsetBytes),
      sizeBytes: Number(partition.sizeBytes),
    })),
  }));
}

/** What an archive of each node would read, from the disks its agent told of. */
export async function partitionBytesOfNodes(nodeIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await database().diskPartition.findMany({
    where: { disk: { nodeId: { in: [...nodeIds] } } },
    select: { sizeBytes: true, disk: { select: { nodeId: true } } },
  });
  const sums = new Map<string, number>();
  for (const { sizeBytes, disk } of rows) {
    sums.set(disk.nodeId, (sums.get(disk.nodeId) ?? 0) + Number(sizeBytes));
  }
  return sums;
}

/** The node of a snapshot found in a repository, made as a retired row when nobody of that name is known. */
export async function nodeIdByName(name: string, tx: Pick<Transaction, "node" | "group">): Promise<string> {
  const known = await tx.node.findUnique({ where: { name }, select: { id: true } });
  if (known !== null) return known.id;
  const id = newId("node", systemRandom);
  const keyHash = IMPORTED_KEY_PREFIX + name;
  const { id: groupId } = await tx.group.upsert({
    where: { name: ADOPTED_GROUP },
    create: { id: newId("group", systemRandom), name: ADOPTED_GROUP },
    update: {},
    select: { id: true },
  });
  await tx.node.create({ data: { id, name, keyHash, groupId, enrolmentCode: "", lifeCycle: "retired" } });
  return id;
}

/** Those of the names that a node has. */
export async function knownNodeNames(names: readonly string[]): Promise<Set<string>> {
  const rows = await database().node.findMany({
    where: { name: { in: [...names] } },
    select: { name: true },
  });
  return new Set(rows.map((row) => row.name));
}

export function secretHash(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

async function validEnrolmentKey(
  tx: Transaction,
  secret: string | undefined,
): Promise<{ groupId: string | null } | null> {
  if (secret === undefined || secret === "") return null;
  const key = await tx.enrolmentKey.findUnique({ where: { secretHash: secretHash(secret.trim()) } });
  const valid =
    key !== null && key.revokedAt === null && (key.expiresAt === null || key.expiresAt > new Date());
  return valid ? { groupId: key.groupId } : null;
}

/** Runs `claimName` with the name free, then moves the history kept under that name to the node. */
async function adoptImported(
  tx: Transaction,
  name: string,
  nodeId: string,
  claimName: () => Promise<void>,
): Promise<void> {
  const imported = await tx.node.findUnique({ where: { keyHash: IMPORTED_KEY_PREFIX + name } });
  if (imported === null) return claimName();
  await tx.node.update({ where: { id: imported.id }, data: { name: `${imported.id} (moving)` } });
  await claimName();
  await tx.snapshot.updateMany({ where: { nodeId: imported.id }, data: { nodeId } });
  await tx.node.delete({ where: { id: imported.id } });
}

/** What a PC would like to be called, made into a name we accept. */
function nameFrom(proposed: string): string {
  const cleaned = proposed
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 60);
  return isNodeName(cleaned) ? cleaned : "pc";
}

/** The name itself or, when taken, the first free of name-2, name-3, … */
async function freeName(tx: Transaction, wanted: string): Promise<string> {
  const rows = await tx.node.findMany({ where: { name: { startsWith: wanted } }, select: { name: true } });
  const taken = new Set(rows.map((row) => row.name));
  for (let suffix = 1; ; suffix += 1) {
    const name = suffix === 1 ? wanted : `${wanted.slice(0, 57)}-${suffix}`;
    if (!taken.has(name)) return name;
    // Ends: each round tries another name and the taken ones are finitely many.
  }
}

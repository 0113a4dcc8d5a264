// The audit trail: who did what to which thing. Each row carries the hash of the one before it, so that a row changed or
// taken out later shows at the next row.
import { createHash } from "node:crypto";
import { database, inTransaction } from "./client.ts";

export type AuditFacts = Readonly<Record<string, string | number | boolean | null>>;

const FIRST_HASH = "0".repeat(64);

export async function recordAudit(
  actor: string,
  action: string,
  subject: string,
  facts: AuditFacts,
): Promise<void> {
  await inTransaction(async (tx) => {
    // One writer at a time, or two rows would name the same predecessor.
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('sheepfold audit'))`;
    const last = await tx.auditEvent.findFirst({ orderBy: { id: "desc" }, select: { hash: true } });
    const previousHash = last?.hash ?? FIRST_HASH;
    const at = new Date();
    const hash = auditHash({ previousHash, at, actor, action, subject, facts });
    await tx.auditEvent.create({
      data: { at, actor, action, subject, facts: { ...facts }, previousHash, hash },
    });
  });
}

/** The id of the first row that does not follow from the one before it; null when the chain is whole. */
export async function findBrokenAuditEvent(): Promise<string | null> {
  let previousHash = FIRST_HASH;
  let after = 0n;
  for (;;) {
    const rows = await database().auditEvent.findMany({
      where: { id: { gt: after } },
      orderBy: { id: "asc" },
      take: 1_000,
    });
    for (const row of rows) {
      const facts = row.facts as AuditFacts; // recordAudit wrote it; if not, the hash differs
      if (row.previousHash !== previousHash || row.hash !== auditHash({ ...row, facts }))
        return String(row.id);
      previousHash = row.hash;
      after = row.id;
    }
    if (rows.length < 1_000) return null;
  }
}

interface AuditContent {
  readonly previousHash: string;
  readonly at: Date;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly facts: AuditFacts;
}

function auditHash(event: AuditContent): string {
  // Postgres's jsonb does not keep the order of keys, so the hash is over sorted ones.
  const facts = Object.entries(event.facts).sort(([left], [right]) => (left < right ? -1 : 1));
  const text = JSON.stringify([
    event.previousHash,
    event.at.toISOString(),
    event.actor,
    event.action,
    event.subject,
    facts,
  ]);
  return createHash("sha256").update(text).digest("hex");
}

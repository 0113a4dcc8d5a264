// Rows of what makes copies differ: names of variables, their values by scope, and identity files. A change is decided on all of
// them as they are under one lock, and written all or nothing; secrets arrive here sealed and leave it sealed.
import type { IdentityFile, Variable, VariableName } from "#lib/model/localization.ts";
import { database, inTransaction, type Transaction } from "./client.ts";

export interface StoredIdentityFile extends IdentityFile {
  readonly id: string;
  /** "" for all classrooms. */
  readonly groupId: string;
}

/** An enrolled PC and where it stands. */
export interface NodePlace {
  readonly nodeId: string;
  readonly name: string;
  readonly groupId: string | null;
  readonly seat: number | null;
}

/** All that a change is decided on. */
export interface VariablesNow {
  readonly names: readonly VariableName[];
  readonly variables: readonly Variable[];
  readonly files: readonly StoredIdentityFile[];
  /** By classroom, seat and name. */
  readonly nodes: readonly NodePlace[];
  readonly groups: readonly { readonly id: string; readonly name: string }[];
}

export interface VariableWrites {
  /** New ones, and changed ones as they shall be. */
  readonly names?: readonly VariableName[];
  /** Their values go with them. */
  readonly removedNames?: readonly string[];
  /** With neither value nor sealed value: cleared. */
  readonly values?: readonly Variable[];
  readonly files?: readonly StoredIdentityFile[];
  readonly removedFileIds?: readonly string[];
}

/** Rows per statement: seven columns each stay far below Postgres's 65 535 parameters. */
const ROWS_PER_STATEMENT = 1_000;
const BY_NAME = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

type Reader = Pick<Transaction, "variableName" | "variableValue" | "identityFile" | "node" | "group">;

export async function listVariableNames(): Promise<VariableName[]> {
  return namesBy(database());
}

/** Of all scopes. */
export async function listVariables(): Promise<Variable[]> {
  return valuesBy(database());
}

export async function listIdentityFiles(): Promise<StoredIdentityFile[]> {
  return filesBy(database());
}

export async function readVariables(): Promise<VariablesNow> {
  return allBy(database());
}

/** Asks `decide` for what to write, and writes it; what it throws leaves everything as it was. One change at a time, so that what was
 *  checked (no duplicate, a name no secret) still holds when it is written. */
export async function changeVariables<Answer>(
  changedBy: string,
  decide: (now: VariablesNow) => { readonly writes: VariableWrites; readonly answer: Answer },
): Promise<Answer> {
  return inTransaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('sheepfold variables'))`;
    const { writes, answer } = decide(await allBy(tx));
    await write(tx, changedBy, writes);
    return answer;
  });
}

async function allBy(reader: Reader): Promise<VariablesNow> {
  const names = await namesBy(reader);
  const variables = await valuesBy(reader);
  const files = await filesBy(reader);
  const groups = await reader.group.findMany({ orderBy: { name: "asc" }, select: { id: true, name: true } });
  return { names, variables, files, groups, nodes: await placesBy(reader) };
}

/** In the order they were defined: that of the grid's columns. */
async function namesBy(reader: Pick<Reader, "variableName">): Promise<VariableName[]> {
  const rows = await reader.variableName.findMany({ orderBy: [{ createdAt: "asc" }, { name: "asc" }] });
  return rows.map(({ name, isSecret, isUnique, note }) => ({ name, isSecret, isUnique, note }));
}

async function valuesBy(reader: Pick<Reader, "variableValue">): Promise<Variable[]> {
  const rows = await reader.variableValue.findMany({
    orderBy: [{ name: "asc" }, { scope: "asc" }, { scopeId: "asc" }],
  });
  return rows.map(({ name, scope, scopeId, value, sealed }) => ({ name, scope, scopeId, value, sealed }));
}

async function filesBy(reader: Pick<Reader, "identityFile">): Promise<StoredIdentityFile[]> {
  const rows = await reader.identityFile.findMany({ orderBy: [{ path: "asc" }, { groupId: "asc" }] });
  return rows.map(({ id, groupId, path, template }) => ({ id, groupId, path, template }));
}

async function placesBy(reader: Pick<Reader, "node">): Promise<NodePlace[]> {
  const rows = await reader.node.findMany({
    where: { lifeCycle: "enrolled" },
    select: { id: true, name: true, groupId: true, seat: true, group: { select: { name: true } } },
  });
  const seatOf = (seat: number | null) => seat ?? Number.MAX_SAFE_INTEGER;
  return rows
    .sort(
      (left, right) =>
        // PCs in no classroom come last.
        Number(left.group === null) - Number(right.group === null) ||
        BY_NAME.compare(left.group?.name ?? "", right.group?.name ?? "") ||
        seatOf(left.seat) - seatOf(right.seat) ||
        BY_NAME.compare(left.name, right.name),
    )
    .map(({ id, name, groupId, seat }) => ({ nodeId: id, name, groupId, seat }));
}

async function write(tx: Transaction, updatedBy: string, writes: VariableWrites): Promise<void> {
  await tx.variableName.deleteMany({ where: { name: { in: [...(writes.removedNames ?? [])] } } });
  for (const { name, ...rest } of writes.names ?? []) {
    await tx.variableName.upsert({ where: { name }, create: { name, ...rest }, update: rest });
  }
  for (const values of chunksOf(writes.values ?? [])) await replaceValues(tx, updatedBy, values);
  await tx.identityFile.deleteMany({ where: { id: { in: [...(writes.removedFileIds ?? [])] } } });
  for (const { id, ...rest } of writes.files ?? []) {
    const data = { ...rest, updatedBy };
    await tx.identityFile.upsert({ where: { id }, create: { id, ...data }, update: data });
  }
}

/** Out and in again: two statements for a whole classroom rather than one per cell. */
async function replaceValues(tx: Transaction, updatedBy: string, values: readonly Variable[]): Promise<void> {
  const names = values.map(({ name }) => name);
  const scopes = values.map(({ scope }) => scope);
  const scopeIds = values.map(({ scopeId }) => scopeId);
  await tx.$executeRaw`
    DELETE FROM variable_values AS row
    USING unnest(${names}::text[], ${scopes}::text[], ${scopeIds}::text[]) AS gone (name, scope, "scopeId")
    WHERE row.name = gone.name AND row.scope::text = gone.scope AND row."scopeId" = gone."scopeId"`;
  const kept = values.filter(({ value, sealed }) => value !== null || sealed !== null);
  await tx.variableValue.createMany({ data: kept.map((value) => ({ ...value, updatedBy })) });
}

function* chunksOf(values: readonly Variable[]): Generator<readonly Variable[]> {
  for (let from = 0; from < values.length; from += ROWS_PER_STATEMENT) {
    yield values.slice(from, from + ROWS_PER_STATEMENT);
  }
}

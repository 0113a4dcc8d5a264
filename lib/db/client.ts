// The one connection pool of a process. Opened at first use, so that a build or a unit test needs no database. A
// database that does not answer becomes the CodedError "database-unavailable" here, for every caller.
import { setTimeout as delay } from "node:timers/promises";
import { PrismaPg } from "@prisma/adapter-pg";
import { environment } from "#lib/env.ts";
import { CodedError } from "#lib/model/errors.ts";
import { PrismaClient } from "./generated/client.ts";

/** Connections per process: the worker holds few at once, and Postgres's default of 100 leaves room for several processes. */
const CONNECTIONS_MAX = 12;
const CONNECT_TIMEOUT_MS = 5_000;
/** Every query here takes milliseconds. A server that vanished without a word (cable, firewall, power) would otherwise be
 *  waited for until the kernel gives up, which may be never. */
const QUERY_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_AFTER_MS = 10_000;
/** The other way round: Postgres lets go of what a vanished process had locked. Longer than any transaction of ours. */
const IDLE_IN_TRANSACTION_MS = 30_000;

function open(connectionString: string) {
  const adapter = new PrismaPg({
    connectionString,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  });
  const client = new PrismaClient({
    adapter,
    transactionOptions: { maxWait: 10_000, timeout: 20_000 },
  });
  return client.$extends({
    query: {
      async $allOperations({ args, query }) {
        try {
          return await query(args);
        } catch (thrown) {
          throw namedFailure(thrown);
        }
      },
    },
  });
}

export type Database = ReturnType<typeof open>;
/** What runs inside a transaction: the same models, without the means to open another. */
export type Transaction = Parameters<Parameters<Database["$transaction"]>[0]>[0];

// On globalThis, because the app's dev server reloads modules and would otherwise leak a pool each time.
const holder = globalThis as typeof globalThis & { sheepfoldDatabase?: { url: string; client: Database } };

export function database(): Database {
  if (holder.sheepfoldDatabase === undefined) chooseDatabase(environment("DATABASE_URL"));
  if (holder.sheepfoldDatabase === undefined) throw new Error("Bug: chooseDatabase left no database");
  return holder.sheepfoldDatabase.client;
}

/** Chooses the database explicitly: tests have one each. */
export function chooseDatabase(url: string): void {
  holder.sheepfoldDatabase = { url, client: open(url) };
}

export function databaseUrl(): string {
  return holder.sheepfoldDatabase?.url ?? environment("DATABASE_URL");
}

export async function closeDatabase(): Promise<void> {
  const current = holder.sheepfoldDatabase;
  delete holder.sheepfoldDatabase;
  await current?.client.$disconnect();
}

/** All or nothing. Failures to begin are named like those of a single query. */
export async function inTransaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
  try {
    return await database().$transaction(work);
  } catch (thrown) {
    throw namedFailure(thrown);
  }
}

/** Resolves when the database answers; after `timeoutMs` it throws "database-unavailable". */
export async function waitForDatabase(timeoutMs: number, onWaiting?: () => void): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      await database().$queryRaw`SELECT 1`;
      return;
    } catch (thrown) {
      if (!isDatabaseUnavailable(thrown) || Date.now() >= deadline) throw thrown;
      onWaiting?.();
      await delay(Math.min(1_000, Math.max(1, deadline - Date.now())));
    }
  }
}

export function isDatabaseUnavailable(thrown: unknown): boolean {
  return thrown instanceof CodedError && thrown.code === "database-unavailable";
}

/** What a driver threw, as "database-unavailable" when that is what it means. */
export function namedFailure(thrown: unknown): unknown {
  if (thrown instanceof CodedError || !saysUnreachable(thrown)) return thrown;
  return new CodedError("database-unavailable", "The database does not answer.", {
    hint: "Start Postgres or correct DATABASE_URL; work continues by itself once it answers.",
    retry: "later",
    cause: thrown,
  });
}

/** Prisma's own codes for "cannot connect", "timed out", "connection closed", "no free connection", "transaction not started". */
const UNREACHABLE_CODES = new Set(["P1001", "P1002", "P1003", "P1008", "P1011", "P1017", "P2024", "P2028"]);
const UNREACHABLE_WORDS =
  /Can't reach database server|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|DatabaseNotReachable|ConnectionClosed|SocketTimeout|Connection terminated|connection timeout|Query read timeout|timeout exceeded when trying to connect|server closed the connection|the database system is (?:starting up|shutting down)|terminating connection/i;

function saysUnreachable(thrown: unknown): boolean {
  // Prisma nests the driver's error up to three levels deep; each level may be the one that says it.
  let current: unknown = thrown;
  for (let depth = 0; depth < 4 && current instanceof Error; depth += 1) {
    if ("code" in current && UNREACHABLE_CODES.has(String(current.code))) return true;
    if (UNREACHABLE_WORDS.test(`${current.name} ${current.message}`)) return true;
    if ("code" in current && UNREACHABLE_WORDS.test(String(current.code))) return true;
    current = current.cause;
  }
  return false;
}

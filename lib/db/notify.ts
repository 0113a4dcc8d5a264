// "Something changed": Postgres LISTEN/NOTIFY carries an id from the process that changed a row to those that watch it
// (processors, the gateway's long poll, the browser's event stream). A notification is a hint, never the truth: it may be
// lost while the connection is down, so every watcher also looks by itself now and then.
import postgres from "postgres";
import { database, databaseUrl, type Transaction } from "./client.ts";

export const CHANNELS = ["jobs", "tasks", "nodes"] as const;
export type Channel = (typeof CHANNELS)[number];

/** Inside a transaction the hint is delivered at its commit, so a watcher never looks too early. */
export async function notify(
  channel: Channel,
  payload: string,
  tx: Pick<Transaction, "$executeRaw"> = database(),
): Promise<void> {
  await tx.$executeRaw`SELECT pg_notify(${channelName(channel)}, ${payload})`;
}

// One listening connection per process and database, shared by all subscribers, kept over dev reloads like the pool.
const holder = globalThis as typeof globalThis & { sheepfoldListener?: { url: string; sql: postgres.Sql } };

/** Calls back with each payload until the returned function is called. Reconnects by itself. */
export async function subscribe(
  channel: Channel,
  onPayload: (payload: string) => void,
): Promise<() => Promise<void>> {
  const { unlisten } = await listener().listen(channelName(channel), onPayload);
  return unlisten;
}

export async function closeNotifications(): Promise<void> {
  const current = holder.sheepfoldListener;
  delete holder.sheepfoldListener;
  await current?.sql.end({ timeout: 2 });
}

function listener(): postgres.Sql {
  const url = databaseUrl();
  if (holder.sheepfoldListener?.url !== url) {
    const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => undefined });
    holder.sheepfoldListener = { url, sql };
  }
  return holder.sheepfoldListener.sql;
}

function channelName(channel: Channel): string {
  return `sheepfold_${channel}`;
}

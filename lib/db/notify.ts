// "Something changed": Postgres LISTEN/NOTIFY carries an id from the process that changed a row to those that watch it
// (processors, the gateway's long poll, the browser's event stream). A notification is a hint, never the truth: it may be
// lost while the connection is down, so every watcher also looks by itself now and then.
import postgres from "postgres";
import { database, databaseUrl, namedFailure, type Transaction } from "./client.ts";

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

/** Calls back with each payload until the returned function is called. Reconnects by itself, and then calls `onGap`: what
 *  happened in between was not heard. */
export async function subscribe(
  channel: Channel,
  onPayload: (payload: string) => void,
  onGap: () => void = () => undefined,
): Promise<() => Promise<void>> {
  let listening = false;
  const onListen = () => {
    if (listening) onGap();
    listening = true;
  };
  try {
    const { unlisten } = await listener().listen(channelName(channel), onPayload, onListen);
    return unlisten;
  } catch (thrown) {
    throw namedFailure(thrown);
  }
}

export async function closeNotifications(): Promise<void> {
  const current = holder.sheepfoldListener;
  delete holder.sheepfoldListener;
  await current?.sql.end({ timeout: 2 });
}

function listener(): postgres.Sql {
  const url = databaseUrl();
  if (holder.sheepfoldListener?.url !== url) {
    const sql = postgres(url, {
      max: 1,
      connect_timeout: 5,
      backoff: reconnectSeconds,
      onnotice: () => undefined,
    });
    holder.sheepfoldListener = { url, sql };
  }
  return holder.sheepfoldListener.sql;
}

/** The first try at once, then every second: people wait for what these notifications refresh. */
function reconnectSeconds(attempt: number): number {
  return attempt === 0 ? 0 : 1;
}

function channelName(channel: Channel): string {
  return `sheepfold_${channel}`;
}

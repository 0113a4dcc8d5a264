// createTestDatabase gives an integration test its own empty, migrated database on the Postgres of DATABASE_URL, makes it
// the process's database, and drops it at the end. Tests only.
import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { forgetEnvironment } from "#lib/env.ts";
import { chooseDatabase, closeDatabase } from "./client.ts";
import { applyMigrations } from "./migrate.ts";
import { closeNotifications } from "./notify.ts";

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env.DATABASE_URL ?? "";
  if (server === "") throw new Error("Integration tests need DATABASE_URL; run them through npm test.");
  const name = `test_${randomBytes(6).toString("hex")}`;
  await onServer(server, (sql) => sql.unsafe(`CREATE DATABASE ${name}`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  await applyMigrations(url.href);
  chooseDatabase(url.href);
  // For what is named after the database, as the queue is.
  process.env.DATABASE_URL = url.href;
  forgetEnvironment();
  return {
    url: url.href,
    async drop() {
      await closeNotifications();
      await closeDatabase();
      process.env.DATABASE_URL = server;
      forgetEnvironment();
      await onServer(server, (sql) => sql.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

async function onServer(url: string, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

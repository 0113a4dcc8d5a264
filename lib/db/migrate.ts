// applyMigrations brings a database to the schema of this version. Running it again, or from two processes
// at once, does no harm: the schema engine takes an advisory lock and skips what is already applied.
import { NO_FILTERS, openSchemaEngine, readMigrations } from "./schema-engine.ts";

/** The names of the migrations applied now; empty when the database was up to date. */
export async function applyMigrations(databaseUrl: string): Promise<string[]> {
  const engine = await openSchemaEngine(databaseUrl);
  try {
    const migrationsList = await readMigrations();
    const result = await engine.applyMigrations({ migrationsList, filters: NO_FILTERS });
    return result.appliedMigrationNames;
  } finally {
    engine.free();
  }
}

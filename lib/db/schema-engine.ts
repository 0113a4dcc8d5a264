// The official Prisma schema engine as WebAssembly: it applies migrations and computes their SQL without a native binary, which
// not every machine can fetch. It writes Prisma's own `_prisma_migrations` table, so `prisma migrate deploy`
// elsewhere continues where we stopped. Used by migrate.ts and prisma/make-migration.ts only; the app never loads it.
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import type { MigrationDirectory, MigrationList, SchemaEngine } from "@prisma/schema-engine-wasm";

export const PRISMA_DIRECTORY = join(import.meta.dirname, "../../prisma");
export const MIGRATIONS_DIRECTORY = join(PRISMA_DIRECTORY, "migrations");
export const NO_FILTERS = { externalTables: [], externalEnums: [] };

type Glue = typeof import("@prisma/schema-engine-wasm") & {
  __wbg_set_wasm(exports: WebAssembly.Exports): void;
};

let glue: Promise<Glue> | null = null;

/** The package's own entry imports .wasm as a module, which Node does not do without a flag; so we link it by hand. */
function loadGlue(): Promise<Glue> {
  glue ??= (async () => {
    const require = createRequire(import.meta.url);
    const bindings = (await import("@prisma/schema-engine-wasm/schema_engine_bg")) as unknown as Glue;
    const folder = join(require.resolve("@prisma/schema-engine-wasm/schema_engine_bg"), "..");
    const bytes = new Uint8Array(await readFile(join(folder, "schema_engine_bg.wasm")));
    const imports = { "./schema_engine_bg.js": bindings as unknown as WebAssembly.ModuleImports };
    const { instance } = await WebAssembly.instantiate(bytes, imports);
    bindings.__wbg_set_wasm(instance.exports);
    const start = instance.exports.__wbindgen_start;
    if (typeof start === "function") start();
    return bindings;
  })();
  return glue;
}

/** Free it after use. */
export async function openSchemaEngine(databaseUrl: string): Promise<SchemaEngine> {
  const bindings = await loadGlue();
  // The engine leaves its connections idle in the adapter's pool: they must neither linger nor keep the process alive.
  const adapter = new PrismaPg({
    connectionString: databaseUrl,
    max: 2,
    idleTimeoutMillis: 500,
    allowExitOnIdle: true,
    connectionTimeoutMillis: 5_000,
  });
  const silent = () => undefined;
  return bindings.SchemaEngine.new(
    { datamodels: undefined },
    silent,
    bindMigrationAwareSqlAdapterFactory(adapter),
  );
}

/** Every migration folder in order of its timestamp. */
export async function readMigrations(): Promise<MigrationList> {
  const entries = await readdir(MIGRATIONS_DIRECTORY, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const migrationDirectories: MigrationDirectory[] = [];
  for (const name of names.sort()) {
    const content = await readFile(join(MIGRATIONS_DIRECTORY, name, "migration.sql"), "utf8");
    migrationDirectories.push({
      path: name,
      migrationFile: { path: "migration.sql", content: { tag: "ok", value: content } },
    });
  }
  return {
    baseDir: MIGRATIONS_DIRECTORY,
    lockfile: {
      path: "migration_lock.toml",
      content: await readFile(join(MIGRATIONS_DIRECTORY, "migration_lock.toml"), "utf8"),
    },
    shadowDbInitScript: "",
    migrationDirectories,
  };
}

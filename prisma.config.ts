// Where Prisma's own tools find the schema. We run its generator and its schema engine (as WebAssembly, lib/db/migrate.ts);
// `prisma migrate deploy` works as well where its native engine can be downloaded.
import { defineConfig } from "prisma/config";

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  datasource: { url: process.env.DATABASE_URL ?? "postgresql://localhost:5432/sheepfold" },
});

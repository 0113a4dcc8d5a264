// Real Postgres and Redis for the integration tests, once per run, in a folder that goes away afterwards.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServices } from "./services.ts";

export default async function setup(): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), "sheepfold-test-"));
  const services = await startServices({ dir, log: (line) => console.error(line) });
  process.env.DATABASE_URL = services.databaseUrl;
  process.env.REDIS_URL = services.redisUrl;
  return async () => {
    await services.stop();
    rmSync(dir, { recursive: true, force: true });
  };
}

// GET /api/readyz: whether this process can answer people now. Redis is not asked: without it wishes wait, nothing fails.
import { waitForDatabase } from "#lib/db/client.ts";

export async function assertReady(): Promise<void> {
  await waitForDatabase(0);
}

import { showStorageForApi } from "#lib/queries/api/show-storage.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";
export const GET = routeOf(async (viewer) => ({ items: await showStorageForApi(viewer) }));

import { RepositoryWithSamples } from "#lib/queries/api/answers/storage.ts";
import { pageOf } from "#lib/queries/api/paging.ts";
import { StorageAsked, showStorageForApi } from "#lib/queries/api/show-storage.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/storage",
    summary: "List repositories with their sizes over time",
    permission: "read",
    query: StorageAsked,
    answer: pageOf(RepositoryWithSamples),
  },
  ({ viewer, query }) => showStorageForApi(viewer, query),
);

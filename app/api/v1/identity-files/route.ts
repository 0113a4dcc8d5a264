import { CreateIdentityFileInput, createIdentityFile } from "#lib/commands/identity-files.ts";
import { IdentityFileFields } from "#lib/queries/api/answers/variables.ts";
import { IdentityFilesAsked, listIdentityFilesForApi } from "#lib/queries/api/list-identity-files.ts";
import { pageOf } from "#lib/queries/api/paging.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

/** A file has 64 KiB, and JSON may write each byte as six characters. */
const BODY_BYTES_MAX = 512 * 1024;

export const GET = routeOf(
  {
    path: "/api/v1/identity-files",
    summary: "List the files of identity volumes, by classroom and path",
    permission: "read",
    query: IdentityFilesAsked,
    answer: pageOf(IdentityFileFields),
  },
  ({ viewer, query }) => listIdentityFilesForApi(viewer, query),
);

export const POST = routeOf(
  {
    path: "/api/v1/identity-files",
    summary: "Add a file that PCs find on their identity volume",
    permission: "localize",
    input: CreateIdentityFileInput,
    bodyBytesMax: BODY_BYTES_MAX,
    answer: IdentityFileFields,
    status: 201,
  },
  ({ viewer, input }) => createIdentityFile(viewer, input),
);

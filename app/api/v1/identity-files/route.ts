import { CreateIdentityFileInput, createIdentityFile } from "#lib/commands/identity-files.ts";
import { parseInput } from "#lib/commands/input.ts";
import { listIdentityFilesForApi } from "#lib/queries/api/list-identity-files.ts";
import { routeOf } from "../route-of.ts";
import { largeBodyOf } from "../variables/large-body.ts";

export const runtime = "nodejs";
export const GET = routeOf(async (viewer) => ({ items: await listIdentityFilesForApi(viewer) }));
export const POST = routeOf(
  async (viewer, request) =>
    createIdentityFile(viewer, parseInput(CreateIdentityFileInput, await largeBodyOf(request))),
  201,
);

import {
  ChangeIdentityFileInput,
  changeIdentityFile,
  removeIdentityFile,
} from "#lib/commands/identity-files.ts";
import { parseInput } from "#lib/commands/input.ts";
import { routeOf } from "../../route-of.ts";
import { largeBodyOf } from "../../variables/large-body.ts";

export const runtime = "nodejs";
export const PUT = routeOf<{ fileId: string }>(async (viewer, request, { fileId }) => {
  const body = await largeBodyOf(request);
  const asked = typeof body === "object" && body !== null ? body : {};
  return changeIdentityFile(viewer, parseInput(ChangeIdentityFileInput, { ...asked, fileId }));
});
export const DELETE = routeOf<{ fileId: string }>(async (viewer, _request, { fileId }) => {
  await removeIdentityFile(viewer, { fileId });
  return {};
});

import {
  ChangeIdentityFileInput,
  changeIdentityFile,
  RemoveIdentityFileInput,
  removeIdentityFile,
} from "#lib/commands/identity-files.ts";
import { Done } from "#lib/queries/api/answers/shared.ts";
import { IdentityFileFields } from "#lib/queries/api/answers/variables.ts";
import { routeOf } from "../../route-of.ts";

export const runtime = "nodejs";

/** As when it is added. */
const BODY_BYTES_MAX = 512 * 1024;

export const PUT = routeOf(
  {
    path: "/api/v1/identity-files/{fileId}",
    summary: "Change an identity file",
    permission: "localize",
    input: ChangeIdentityFileInput,
    bodyBytesMax: BODY_BYTES_MAX,
    answer: IdentityFileFields,
  },
  ({ viewer, input }) => changeIdentityFile(viewer, input),
);

export const DELETE = routeOf(
  {
    path: "/api/v1/identity-files/{fileId}",
    summary: "Remove an identity file",
    permission: "localize",
    input: RemoveIdentityFileInput,
    answer: Done,
  },
  async ({ viewer, input }) => {
    await removeIdentityFile(viewer, input);
    return {};
  },
);

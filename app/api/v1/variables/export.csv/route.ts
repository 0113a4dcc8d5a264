// The one answer of the API that is no JSON: a file, for the button and for programs alike.
import { viewerFromRequest } from "#lib/auth/request-viewer.ts";
import { CodedError } from "#lib/model/errors.ts";
import { exportVariables } from "#lib/queries/api/export-variables.ts";
import { problemResponse } from "../../../problem.ts";

export const runtime = "nodejs";

export async function GET(request: Request): Promise<Response> {
  try {
    const viewer = await viewerFromRequest(request.headers);
    if (viewer === null) {
      throw new CodedError("not-signed-in", "This needs a session or an API token.", {
        hint: "Sign in, or send Authorization: Bearer with a token from the settings page.",
      });
    }
    const { text, secretNames } = await exportVariables(
      viewer,
      new URL(request.url).searchParams.get("groupId"),
    );
    const headers = {
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": 'attachment; filename="variables.csv"',
      "cache-control": "no-store",
      "x-sheepfold-secrets-left-out": secretNames.join(", "),
    };
    return new Response(text, { headers });
  } catch (thrown) {
    return problemResponse(thrown);
  }
}

import { exportVariables } from "#lib/queries/api/export-variables.ts";
import { routeOf } from "../../route-of.ts";
import { GroupAsked } from "../asked.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/variables/export.csv",
    summary: "Save what PCs have of their own as a table that an import reads back",
    description: "Secrets are left out; the header X-Sheepfold-Secrets-Left-Out names them.",
    permission: "read",
    query: GroupAsked,
    answer: { mediaType: "text/csv", description: "The table." },
  },
  async ({ viewer, query }) => {
    const { text, secretNames } = await exportVariables(viewer, query.groupId ?? null);
    const headers = {
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": 'attachment; filename="variables.csv"',
      "cache-control": "no-store",
      "x-sheepfold-secrets-left-out": secretNames.join(", "),
    };
    return new Response(text, { headers });
  },
);

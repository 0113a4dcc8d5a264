// The body is the file itself: curl --data-binary @values.csv.
import { ImportVariablesInput, importVariables } from "#lib/commands/import-variables.ts";
import { TABLE_BYTES_MAX, textOfTable } from "#lib/model/delimited-text.ts";
import { ValuesImported } from "#lib/queries/api/answers/variables.ts";
import { bytesOf, routeOf } from "../../route-of.ts";
import { Flag, isSet } from "../asked.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/variables/import",
    summary: "Set values from a table: a line for each PC, a column for each variable",
    permission: "localize",
    query: ImportVariablesInput.omit({ text: true }).extend({ dryRun: Flag }),
    fileBody: {
      mediaType: "text/csv",
      description: "Separated by commas, semicolons or tabs; UTF-8 or UTF-16.",
    },
    answer: ValuesImported,
    repeated: "The values are what the table says already, so nothing changes.",
  },
  async ({ viewer, request, query }) => {
    const text = textOfTable(await bytesOf(request, TABLE_BYTES_MAX));
    return importVariables(viewer, { ...query, text, dryRun: isSet(query.dryRun) });
  },
);

// The body is the file itself: curl --data-binary @values.csv.
import { ImportVariablesInput, importVariables } from "#lib/commands/import-variables.ts";
import { parseInput } from "#lib/commands/input.ts";
import { TABLE_BYTES_MAX, textOfTable } from "#lib/model/delimited-text.ts";
import { routeOf } from "../../route-of.ts";
import { bytesOf, flagOf } from "../large-body.ts";

export const runtime = "nodejs";
export const POST = routeOf(async (viewer, request) => {
  const asked = new URL(request.url).searchParams;
  return importVariables(
    viewer,
    parseInput(ImportVariablesInput, {
      text: textOfTable(await bytesOf(request, TABLE_BYTES_MAX)),
      emptyCells: asked.get("emptyCells") ?? undefined,
      dryRun: flagOf(request, "dryRun"),
      expected: asked.get("expected") ?? undefined,
    }),
  );
});

// What "Import CSV…" means: a table of PCs and values is looked through, shown as what it would change, and applied as it was shown.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { decideImport, EMPTY_CELLS } from "#lib/localize/import-table.ts";
import { TABLE_BYTES_MAX } from "#lib/model/delimited-text.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { ImportPreview } from "#lib/model/variable-grid.ts";
import { decideValues, tryOrApply } from "./decide-values.ts";
import { parseInput } from "./input.ts";

/** Of these the message names the first; the dry run lists them. */
const PROBLEMS_IN_MESSAGE = 3;

export const ImportVariablesInput = z.object({
  text: z.string().max(TABLE_BYTES_MAX, "is too large"),
  emptyCells: z.enum(EMPTY_CELLS).default("keep"),
  dryRun: z.boolean(),
  expected: z.string().max(128).optional(),
});

export async function importVariables(
  viewer: Viewer,
  input: z.input<typeof ImportVariablesInput>,
): Promise<ImportPreview> {
  permit(viewer, "localize");
  const { text, emptyCells, ...wish } = parseInput(ImportVariablesInput, input);
  const { decision, preview } = await tryOrApply(viewer, wish, (now) => {
    const { wishes, problems } = decideImport(text, now.names, now.nodes, emptyCells);
    if (problems.length > 0 && !wish.dryRun) throw refused(problems);
    // What a bad line asks for cannot be shown: its value would be refused here.
    const good = problems.length > 0 ? [] : wishes;
    return { ...decideValues(now, good), problems };
  });
  return { ...preview, problems: decision.problems };
}

function refused(problems: ImportPreview["problems"]): CodedError {
  const first = problems.slice(0, PROBLEMS_IN_MESSAGE).map(({ line, words }) => `Line ${line}: ${words}`);
  const rest = problems.length - first.length;
  const words = rest > 0 ? [...first, `And ${rest} more.`] : first;
  return new CodedError("input-invalid", words.join(" "), {
    hint: "Correct the table and import it again. Nothing was changed.",
  });
}

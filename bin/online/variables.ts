// `sheepfold variables get | set | import`: what each PC has of its own. An import shows what it would change; with the digest of what was
// shown it does exactly that or refuses.
import { readFile } from "node:fs/promises";
import { Command, Option } from "commander";
import type { z } from "zod";
import { EMPTY_CELLS } from "#lib/localize/import-table.ts";
import { CodedError } from "#lib/model/errors.ts";
import { type GridRow, SECRET_MASK } from "#lib/model/variable-grid.ts";
import type { ValuesChanged, ValuesImported, VariableGrid } from "#lib/queries/api/answers/variables.ts";
import { EXIT, type ExitCode } from "../repo/exit-codes.ts";
import { table } from "../repo/output.ts";
import { runVerb, type VerbContext } from "../repo/run-verb.ts";
import { type ConnectionOptions, connect, NOTHING_CHANGED, onlineVerb } from "./connection.ts";
import { classroomIdOf, nodeIdOf } from "./names.ts";

type Changed = z.output<typeof ValuesChanged>;
type Imported = z.output<typeof ValuesImported>;

interface OwnerOptions extends ConnectionOptions {
  readonly node?: string;
  readonly classroom?: string;
}

interface SetOptions extends OwnerOptions {
  readonly everywhere?: boolean;
  readonly dryRun?: boolean;
}

interface ImportOptions extends ConnectionOptions {
  readonly emptyCells: string;
  readonly apply?: string;
  readonly yes?: boolean;
}

export function variablesCommand(): Command {
  return new Command("variables")
    .description("Show, set or import what each PC has of its own.")
    .addCommand(getCommand(), { isDefault: true })
    .addCommand(setCommand())
    .addCommand(importCommand());
}

function getCommand(): Command {
  return onlineVerb("get", "Show each PC's values. Secrets are not shown.")
    .option("--classroom <NAME>", "only its PCs")
    .option("--node <NAME>", "only this PC")
    .action((options: OwnerOptions) => runVerb(options, (context) => get(options, context), NOTHING_CHANGED));
}

async function get({ classroom, node, ...where }: OwnerOptions, { output }: VerbContext): Promise<ExitCode> {
  const api = await connect(where);
  const query = classroom === undefined ? "" : `?groupId=${await classroomIdOf(api, classroom)}`;
  const grid = await api.get<z.output<typeof VariableGrid>>(`/api/v1/variables${query}`);
  const nodeId = node === undefined ? null : await nodeIdOf(api, node);
  const rows = grid.nodes.filter((row) => nodeId === null || row.scopeId === nodeId);
  const names = grid.names.map(({ name }) => name);
  output.result(rows, () =>
    table(
      ["PC", ...names],
      rows.map((row) => [row.name, ...names.map((name) => cellInWords(row, name))]),
    ),
  );
  return EXIT.ok;
}

function cellInWords({ cells }: GridRow, name: string): string {
  const cell = cells[name];
  if (cell === undefined || cell.from === null) return "";
  return cell.isSecret ? SECRET_MASK : (cell.value ?? "");
}

function setCommand(): Command {
  return onlineVerb("set", "Set values of a PC, of a classroom, or everywhere; all or none.")
    .argument("<NAME=VALUE...>", "NAME= alone takes the value away, so that it is inherited again")
    .option("--node <NAME>", "of this PC")
    .option("--classroom <NAME>", "of this classroom")
    .option("--everywhere", "of every PC that has no other")
    .option("--dry-run", "say what would change, and change nothing")
    .action((words: string[], options: SetOptions) =>
      runVerb(options, (context) => set(words, options, context), NOTHING_CHANGED),
    );
}

async function set(words: string[], options: SetOptions, { output }: VerbContext): Promise<ExitCode> {
  const { node, classroom, everywhere } = options;
  if ([node, classroom, everywhere].filter((chosen) => chosen !== undefined).length !== 1) {
    throw new CodedError("input-invalid", "Whose values they are must be said once.", {
      hint: "Give --node, --classroom or --everywhere.",
    });
  }
  const assignments = words.map(assignmentOf);
  const api = await connect(options);
  const owner =
    node !== undefined
      ? { scope: "node", scopeId: await nodeIdOf(api, node) }
      : classroom !== undefined
        ? { scope: "classroom", scopeId: await classroomIdOf(api, classroom) }
        : { scope: "global", scopeId: "" };
  const values = assignments.map((assignment) => ({ ...assignment, ...owner }));
  const answer = await api.put<Changed>("/api/v1/variables", { values, dryRun: options.dryRun === true });
  output.result(
    answer,
    () => `${changesInWords(answer)}${answer.isApplied ? "" : "\n\nNothing was changed."}`,
  );
  return EXIT.ok;
}

function assignmentOf(text: string): { name: string; value: string | null } {
  const end = text.indexOf("=");
  if (end < 1) {
    throw new CodedError("input-invalid", `${text} is no NAME=VALUE.`, { hint: "Write host_name=lab-a-01." });
  }
  const value = text.slice(end + 1);
  return { name: text.slice(0, end), value: value === "" ? null : value };
}

function importCommand(): Command {
  return onlineVerb("import", "Set values from a table: a line for each PC, a column for each variable.")
    .argument("<FILE>", "CSV")
    .addOption(
      new Option("--empty-cells <WORD>", "what an empty cell says").choices([...EMPTY_CELLS]).default("keep"),
    )
    .option("--apply <DIGEST>", "change what was shown, if it is still that")
    .option("--yes", "change what the table says, whatever it is")
    .action((file: string, options: ImportOptions) =>
      runVerb(options, (context) => importTable(file, options, context), NOTHING_CHANGED),
    );
}

async function importTable(file: string, options: ImportOptions, { output }: VerbContext): Promise<ExitCode> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new CodedError("source-missing", `${file} cannot be read.`, { hint: "Check the path.", cause });
  });
  const api = await connect(options);
  const applies = options.yes === true || options.apply !== undefined;
  const query = new URLSearchParams({
    emptyCells: options.emptyCells,
    dryRun: applies ? "no" : "yes",
    ...(options.apply === undefined ? {} : { expected: options.apply }),
  });
  const answer = await api.postFile<Imported>(`/api/v1/variables/import?${query}`, new Uint8Array(bytes));
  output.result(answer, () => importInWords(answer));
  // A dry run answers with what is wrong in the table; whoever scripts it must not take that for a yes.
  return answer.problems.length === 0 ? EXIT.ok : EXIT.usage;
}

function importInWords(answer: Imported): string {
  if (answer.problems.length > 0) {
    return answer.problems.map(({ line, words }) => `Line ${line}: ${words}`).join("\n");
  }
  if (answer.isApplied) return changesInWords(answer);
  return `${changesInWords(answer)}\n\nNothing was changed. To change it, add --apply ${answer.digest}`;
}

function changesInWords({ changes, duplicates }: Changed): string {
  const rows = changes.map(({ owner, name, from, to }) => [owner, name, from ?? "", to ?? ""]);
  const twice = duplicates.map(
    ({ name, value, nodeNames }) => `${name} would be ${value} on ${nodeNames.join(", ")}.`,
  );
  const changed = rows.length === 0 ? "Nothing changes." : table(["whose", "variable", "from", "to"], rows);
  return [changed, ...twice].join("\n");
}

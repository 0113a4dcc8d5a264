// Variables and identity files, as the API answers them. A secret's value is in no answer.
import { z } from "zod";
import { SCOPES } from "#lib/model/localization.ts";
import { Count } from "./shared.ts";

export const VariableNameFields = z
  .object({ name: z.string(), isSecret: z.boolean(), isUnique: z.boolean(), note: z.string() })
  .meta({ id: "VariableName" });

export const VariableRemoved = z.object({ valueCount: Count.describe("Values that went with it.") });

export const IdentityFileFields = z
  .object({
    id: z.string(),
    groupId: z.string().describe('"": for all classrooms.'),
    path: z.string(),
    template: z.string(),
  })
  .meta({ id: "IdentityFile" });

const Cell = z.object({
  value: z.string().nullable().describe("Null when there is none, and of a secret."),
  isSecret: z.boolean(),
  from: z.enum(SCOPES).nullable().describe("Where it is set."),
});

const Row = z
  .object({
    scope: z.enum(SCOPES),
    scopeId: z.string(),
    name: z.string(),
    seat: z.number().int().nullable(),
    cells: z.record(z.string(), Cell).describe("By variable."),
  })
  .meta({ id: "VariableRow" });

const Duplicate = z
  .object({ name: z.string(), value: z.string(), nodeNames: z.array(z.string()) })
  .meta({ id: "DuplicateValue" });

export const VariableGrid = z
  .object({
    names: z.array(VariableNameFields.extend({ valueCount: Count })),
    everywhere: Row,
    classrooms: z.array(Row),
    nodes: z.array(Row),
    duplicates: z.array(Duplicate).describe("Values that several PCs have though only one may."),
  })
  .meta({ id: "VariableGrid" });

export const ValuesChanged = z
  .object({
    changes: z.array(
      z.object({
        name: z.string(),
        scope: z.enum(SCOPES),
        scopeId: z.string(),
        owner: z.string(),
        from: z.string().nullable(),
        to: z.string().nullable(),
      }),
    ),
    duplicates: z.array(Duplicate).describe("That were not there before."),
    digest: z.string().describe("Send it as `expected` to apply what a dry run has shown."),
    isApplied: z.boolean(),
  })
  .meta({ id: "ValuesChanged" });

export const ValuesImported = ValuesChanged.extend({
  problems: z
    .array(z.object({ line: z.number().int(), words: z.string() }))
    .describe("Nothing is applied while there are any."),
}).meta({ id: "ValuesImported" });

export const ValuesGenerated = ValuesChanged.extend({
  pool: z.object({ size: Count, left: z.number().int() }).nullable(),
  keptCount: Count.describe("PCs left out because they have a value of their own."),
}).meta({ id: "ValuesGenerated" });

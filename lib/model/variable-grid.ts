// The grid of variables as people see it: a row for each PC, one for its classroom and one for all, a cell for each name. What a
// secret is, no cell ever says.
import type { Scope, VariableName } from "./localization.ts";

/** Stands for a secret wherever people look. */
export const SECRET_MASK = "••••••";

export interface GridCell {
  /** Null when there is none, and of a secret. */
  readonly value: string | null;
  readonly isSecret: boolean;
  /** Where it is set; null when nowhere. */
  readonly from: Scope | null;
}

export interface GridRow {
  readonly scope: Scope;
  /** PC or classroom; "" for all. */
  readonly scopeId: string;
  readonly name: string;
  readonly seat: number | null;
  /** By variable. A name that is not there has no value. */
  readonly cells: Readonly<Record<string, GridCell>>;
}

export interface GridColumn extends VariableName {
  /** How many values it has, in all scopes. */
  readonly valueCount: number;
}

/** One value that several PCs have, though only one may. */
export interface NamedDuplicate {
  readonly name: string;
  readonly value: string;
  readonly nodeNames: readonly string[];
}

/** A value as it is set: whoever asks for null wants it cleared. */
export interface ValueWish {
  readonly name: string;
  readonly scope: Scope;
  readonly scopeId: string;
  readonly value: string | null;
}

/** What would become of one value; null: none. Secrets are masked. */
export interface ValueChange {
  readonly name: string;
  readonly scope: Scope;
  readonly scopeId: string;
  /** PC, classroom, or everything, in words. */
  readonly owner: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** What a change of values does, before or after it was done. */
export interface ValuesPreview {
  readonly changes: readonly ValueChange[];
  /** That were not there before. */
  readonly duplicates: readonly NamedDuplicate[];
  /** Over the changes: whoever applies what was shown sends it along. */
  readonly digest: string;
  readonly isApplied: boolean;
}

/** Something in a table that cannot be imported. */
export interface TableProblem {
  readonly line: number;
  readonly words: string;
}

export interface ImportPreview extends ValuesPreview {
  /** Nothing is applied while there are any. */
  readonly problems: readonly TableProblem[];
}

export interface GeneratePreview extends ValuesPreview {
  /** Of a pool: how many values it has, and how many are free afterwards. */
  readonly pool: { readonly size: number; readonly left: number } | null;
  /** PCs that were left out because they have a value of their own. */
  readonly keptCount: number;
}

export const EVERYWHERE = "All classrooms";

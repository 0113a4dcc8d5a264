// What the matrix draws: moments as columns, nodes as rows.
import type { NodeIdentity } from "#lib/model/localization.ts";
import type { EffectiveState, MatrixCell, MatrixMoment, NodeEvent } from "#lib/model/matrix.ts";

export interface MatrixRow {
  readonly nodeId: string;
  readonly name: string;
  readonly seat: number | null;
  readonly online: boolean;
  readonly before: EffectiveState;
  readonly events: readonly NodeEvent[];
  readonly identity: NodeIdentity | null;
}

/** A chosen cell with all that its panel tells. */
export interface ChosenCell {
  readonly row: MatrixRow;
  readonly moment: MatrixMoment;
  readonly cell: MatrixCell;
}

/** Row -1 is the moments' headings, column -1 the nodes' names; both can be reached by the arrow keys. */
export interface Position {
  readonly row: number;
  readonly column: number;
}

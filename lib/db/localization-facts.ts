// Everything that decides what PCs are told by a master, read together: plans, previews and pages decide on the same.
import { CodedError } from "#lib/model/errors.ts";
import type {
  IdentityFile,
  LocalizationSpec,
  TokenScan,
  Variable,
  VariableName,
} from "#lib/model/localization.ts";
import { findMasterLocalization } from "./localizations.ts";
import { listNodes } from "./nodes.ts";
import { findSnapshot } from "./snapshots.ts";
import { listIdentityFiles, listVariableNames, listVariables } from "./variables.ts";

export interface LocalizationFacts {
  readonly names: readonly VariableName[];
  readonly variables: readonly Variable[];
  readonly files: readonly (IdentityFile & { readonly groupId: string })[];
  readonly nodes: readonly {
    readonly nodeId: string;
    readonly name: string;
    readonly groupId: string | null;
    readonly groupName: string | null;
    readonly seat: number | null;
  }[];
}

export async function readLocalizationFacts(): Promise<LocalizationFacts> {
  const [names, variables, files, nodes] = await Promise.all([
    listVariableNames(),
    listVariables(),
    listIdentityFiles(),
    listNodes(),
  ]);
  return {
    names,
    variables,
    files,
    nodes: nodes
      .filter(({ lifeCycle }) => lifeCycle === "enrolled")
      .map(({ id, name, groupId, groupName, seat }) => ({ nodeId: id, name, groupId, groupName, seat })),
  };
}

export interface LocalizableMaster {
  readonly spec: LocalizationSpec | null;
  readonly scan: TokenScan | null;
  readonly images: readonly { readonly partition: string; readonly sizeBytes: number }[];
}

/** Refuses a snapshot that is no release: only a master is looked through and declared. */
export async function requireMaster(snapshotId: string): Promise<LocalizableMaster> {
  const [master, snapshot] = await Promise.all([
    findMasterLocalization(snapshotId),
    findSnapshot(snapshotId),
  ]);
  if (master !== null && snapshot !== null)
    return { spec: master.spec, scan: master.scan, images: snapshot.images };
  throw new CodedError("release-unknown", `Snapshot ${snapshotId} is no release of a master.`, {
    hint: "Mark it as master first. A PC that was localized by hand is restored from its own snapshots instead.",
  });
}

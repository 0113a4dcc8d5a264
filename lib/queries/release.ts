// One release of a master: what was declared for it, what was found in its bytes, and a preview of what one PC would get.
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { unseal } from "#lib/auth/sealed.ts";
import { readLocalizationFacts, requireMaster } from "#lib/db/localization-facts.ts";
import { findMasterLocalization, type MasterLocalization } from "#lib/db/localizations.ts";
import { findRelease } from "#lib/db/releases.ts";
import { findSnapshot, type SnapshotRow } from "#lib/db/snapshots.ts";
import { decideLocalizations } from "#lib/localize/decide.ts";
import { type LocalizationPreview, previewOf } from "#lib/localize/preview.ts";
import { CodedError, type FailureReport } from "#lib/model/errors.ts";
import { DISK_LAYOUT } from "#lib/model/node.ts";

export interface ReleaseDetails {
  readonly master: MasterLocalization;
  readonly note: string;
  readonly snapshot: SnapshotRow;
  /** Without the disk layout. */
  readonly partitions: readonly {
    readonly name: string;
    readonly label: string;
    readonly sizeBytes: number;
  }[];
  /** Tokens found, by name. */
  readonly tokens: readonly FoundByName[];
  /** PCs to preview. */
  readonly nodes: readonly {
    readonly nodeId: string;
    readonly name: string;
    readonly groupName: string | null;
  }[];
}

export interface FoundByName {
  readonly name: string;
  readonly count: number;
  readonly partitions: readonly string[];
  readonly encodings: readonly string[];
  /** Characters that its shortest place has room for. */
  readonly roomCharacters: number;
}

export async function releaseDetails(viewer: Viewer, releaseId: string): Promise<ReleaseDetails | null> {
  permit(viewer, "read");
  const release = await findRelease({ id: releaseId });
  if (release === null) return null;
  const [master, snapshot, facts] = await Promise.all([
    findMasterLocalization(release.snapshotId),
    findSnapshot(release.snapshotId),
    readLocalizationFacts(),
  ]);
  if (master === null || snapshot === null) return null;
  return {
    master,
    snapshot,
    note: release.note,
    partitions: snapshot.images
      .filter(({ partition, details }) => (details.partition ?? partition) !== DISK_LAYOUT)
      .map(({ partition, details, sizeBytes }) => ({
        name: partition,
        label: details.label ?? "",
        sizeBytes,
      })),
    tokens: tokensByName(master),
    nodes: facts.nodes.map(({ nodeId, name, groupName }) => ({ nodeId, name, groupName })),
  };
}

function tokensByName({ scan, spec }: MasterLocalization): FoundByName[] {
  const found = (scan ?? []).flatMap(({ partition, tokens }) =>
    tokens.map((token) => ({ partition, ...token })),
  );
  const byName = Map.groupBy(found, ({ name }) => name);
  // One that was declared and is nowhere must be seen, too.
  for (const { name } of spec?.tokens ?? []) if (!byName.has(name)) byName.set(name, []);
  return [...byName]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, places]) => ({
      name,
      count: places.length,
      partitions: [...new Set(places.map(({ partition }) => partition))],
      encodings: [...new Set(places.map(({ encoding }) => encoding))],
      roomCharacters: Math.min(
        ...places.map(({ lengthBytes, encoding }) => lengthBytes / (encoding === "utf8" ? 1 : 2)),
      ),
    }));
}

export interface NodePreview {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly digest: string;
  /** Why it would be left out; then there is no preview. */
  readonly problem: FailureReport | null;
  readonly preview: LocalizationPreview | null;
}

/** Nothing of a secret is in it. */
export async function previewLocalization(
  viewer: Viewer,
  { releaseId, nodeId }: { readonly releaseId: string; readonly nodeId: string },
): Promise<NodePreview> {
  permit(viewer, "read");
  const release = await findRelease({ id: releaseId });
  if (release === null)
    throw new CodedError("release-unknown", "There is no such release (any more).", {
      hint: "Reload the page.",
    });
  const [master, facts] = await Promise.all([requireMaster(release.snapshotId), readLocalizationFacts()]);
  const decided = decideLocalizations(master, facts, [nodeId], unseal).get(nodeId);
  const node = facts.nodes.find((candidate) => candidate.nodeId === nodeId);
  if (decided === undefined || node === undefined)
    throw new CodedError("node-unknown", `There is no enrolled PC ${nodeId}.`);
  const { content, digest, problem } = decided;
  const identityBytes =
    master.images.find(({ partition }) => partition === content.identityImage)?.sizeBytes ?? null;
  const preview = problem === null ? previewOf(content, master.scan ?? [], identityBytes) : null;
  return { nodeId, nodeName: node.name, digest, problem, preview };
}

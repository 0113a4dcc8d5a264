// `sheepfold localize … --preview`: of each PC named, what it would get. A classroom's PCs are shown one after the other.
import type { z } from "zod";
import { CodedError } from "#lib/model/errors.ts";
import { formatBytes } from "#lib/model/units.ts";
import type { NodePreview } from "#lib/queries/api/answers/masters.ts";
import { EXIT, type ExitCode } from "../repo/exit-codes.ts";
import { table } from "../repo/output.ts";
import type { VerbContext } from "../repo/run-verb.ts";
import type { ApiClient } from "../stack/api-client.ts";
import { type NodeAnswer, type ReleaseAnswer, type Targets, targetsOf } from "./names.ts";

type Preview = z.output<typeof NodePreview>;

export async function showPreview(
  api: ApiClient,
  { snapshotId, to }: { readonly snapshotId: string; readonly to: readonly string[] },
  { output }: VerbContext,
): Promise<ExitCode> {
  const releases = await api.list<ReleaseAnswer>("/api/v1/masters");
  const release = releases.find((item) => item.snapshotId === snapshotId);
  if (release === undefined) {
    throw new CodedError("release-unknown", `Snapshot ${snapshotId} is no release of a master.`, {
      hint: "Mark it as master first.",
    });
  }
  const previews: Preview[] = [];
  for (const nodeId of await nodeIdsOf(api, await targetsOf(api, to)))
    previews.push(await api.get<Preview>(`/api/v1/masters/${release.id}/preview?node=${nodeId}`));
  output.result({ items: previews }, () => previews.map(previewInWords).join("\n\n"));
  return EXIT.ok;
}

async function nodeIdsOf(api: ApiClient, targets: Targets): Promise<string[]> {
  if ("nodeIds" in targets) return targets.nodeIds;
  const nodes = await api.list<NodeAnswer>("/api/v1/nodes");
  return nodes.filter(({ groupId }) => groupId === targets.groupId).map(({ id }) => id);
}

function previewInWords({ nodeName, problem, preview: shown }: Preview): string {
  if (shown === null)
    return `${nodeName}: cannot be localized. ${problem?.message ?? ""} ${problem?.hint ?? ""}`;
  const tokens = shown.tokens.map(({ partition, offsetBytes, name, value }) => [
    name,
    value,
    `${partition} at ${offsetBytes}`,
  ]);
  return [
    `${nodeName}: differs from the master by at most ${formatBytes(shown.differingBytes)}`,
    ...(tokens.length === 0 ? [] : [table(["token", "becomes", "where"], tokens)]),
    ...shown.files.map(({ path, text }) => `--- ${path}\n${text.trimEnd()}`),
  ].join("\n");
}

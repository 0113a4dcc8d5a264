// One release: what makes its copies differ. What was found in its bytes, what of that is declared, and for any PC a preview of what it
// would get, before a disk is touched.
import { RefreshCw } from "lucide-react";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { CloneButton } from "#components/clone-button.tsx";
import { DeclareForm } from "#components/localize/declare-form.tsx";
import { NodePreviewCard } from "#components/localize/node-preview.tsx";
import { LocalizeButton } from "#components/localize-button.tsx";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { buttonClass } from "#components/ui/button.tsx";
import { ByteCount } from "#components/ui/byte-count.tsx";
import { Card, Fact, Facts } from "#components/ui/card.tsx";
import { SelectField } from "#components/ui/field.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import { Notice } from "#components/ui/notice.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import { cloneTargets } from "#lib/queries/clone-targets.ts";
import { previewLocalization, type ReleaseDetails, releaseDetails } from "#lib/queries/release.ts";
import { declareLocalizationAction, lookForTokensAction } from "../../../actions/masters.ts";
import { planRestoreAction } from "../../../actions/plans.ts";
import { load } from "../../../load.ts";

export const metadata: Metadata = { title: "Release" };

export default async function ReleasePage({
  params,
  searchParams,
}: {
  params: Promise<{ releaseId: string }>;
  searchParams: Promise<{ preview?: string | string[] }>;
}) {
  const { releaseId } = await params;
  const asked = (await searchParams).preview;
  const nodeId = typeof asked === "string" ? asked : null;
  const { details, targets, mayLocalize, preview } = await load(async (viewer) => ({
    details: await releaseDetails(viewer, releaseId),
    targets: isPermitted(viewer, "localize") ? await cloneTargets(viewer) : null,
    mayLocalize: isPermitted(viewer, "localize"),
    preview: nodeId === null ? null : await previewLocalization(viewer, { releaseId, nodeId }),
  }));
  if (details === null) notFound();
  const { master, snapshot } = details;
  const title = `${master.masterName} ${master.number}`;
  return (
    <>
      <title>{`${title} · Sheepfold`}</title>
      <PageHeader
        crumbs={[{ href: "/masters", label: "Masters" }]}
        title={title}
        actions={
          targets === null ? undefined : (
            <>
              <LocalizeButton action={planRestoreAction} snapshotId={snapshot.id} targets={targets} />
              <CloneButton action={planRestoreAction} snapshotId={snapshot.id} targets={targets} />
            </>
          )
        }
      />
      <div className="space-y-4">
        <Card>
          <ReleaseFacts details={details} />
        </Card>
        <Card
          title="What makes its copies differ"
          aside={
            mayLocalize ? (
              <ActionForm action={lookForTokensAction} fields={{ releaseId }}>
                <SubmitButton variant="quiet">
                  <RefreshCw aria-hidden size={14} />
                  Look for tokens again
                </SubmitButton>
              </ActionForm>
            ) : undefined
          }
        >
          <Obstacles details={details} />
          <DeclareForm
            action={declareLocalizationAction}
            releaseId={releaseId}
            isScanned={master.scannedAt !== null}
            spec={master.spec}
            tokens={details.tokens}
            partitions={details.partitions}
            mayChange={mayLocalize}
          />
        </Card>
        <Card title="Preview">
          <form method="get" className="flex flex-wrap items-end gap-3">
            <SelectField label="PC" name="preview" defaultValue={nodeId ?? ""} className="w-64">
              <option value="" disabled>
                Choose a PC
              </option>
              {details.nodes.map((node) => (
                <option key={node.nodeId} value={node.nodeId}>
                  {node.groupName === null ? node.name : `${node.groupName}: ${node.name}`}
                </option>
              ))}
            </SelectField>
            <button type="submit" className={buttonClass("secondary")}>
              Show what it would get
            </button>
          </form>
          {preview === null ? (
            <p className="mt-3 text-sm text-ink-3">
              Nothing is written by looking. Values come from Variables, as they are now.
            </p>
          ) : (
            <NodePreviewCard preview={preview} />
          )}
        </Card>
      </div>
    </>
  );
}

function ReleaseFacts({ details: { master, snapshot, note } }: { details: ReleaseDetails }) {
  return (
    <>
      <Facts>
        <Fact label="Taken of" note={<LocalTime iso={snapshot.createdAt} />}>
          {snapshot.nodeName}
        </Fact>
        <Fact label="Size">
          <ByteCount bytes={snapshot.sizeBytes} />
        </Fact>
        <Fact
          label="Tokens found"
          note={master.scannedAt === null ? undefined : <LocalTime iso={master.scannedAt} />}
        >
          {master.scan === null
            ? "not looked yet"
            : master.scan.reduce((sum, { tokens }) => sum + tokens.length, 0)}
        </Fact>
        <Fact label="Tokens declared">{master.spec?.tokens.length ?? 0}</Fact>
        <Fact label="Identity volume">{master.spec?.identityImage ?? "none"}</Fact>
        <Fact label="Recipes">{master.spec?.recipes.length ?? 0}</Fact>
      </Facts>
      <p className="mt-4 break-words text-sm text-ink-2">{note}</p>
    </>
  );
}

/** Of those images in which tokens were found. */
function Obstacles({ details: { master } }: { details: ReleaseDetails }) {
  const found = (master.scan ?? []).filter(
    ({ tokens, obstacles }) => tokens.length > 0 && obstacles.length > 0,
  );
  if (found.length === 0) return null;
  return (
    <div className="mb-4 space-y-2">
      {found.flatMap(({ partition, obstacles }) =>
        obstacles.map(({ reason, explanation }) => (
          <Notice
            key={`${partition} ${reason} ${explanation}`}
            tone="warn"
            title={`${partition}: ${explanation}`}
          />
        )),
      )}
    </div>
  );
}

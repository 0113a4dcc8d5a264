// Masters: the snapshots that classrooms are made of, each release with what is new in it.
import { Stamp } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { CloneButton } from "#components/clone-button.tsx";
import type { CloneTargets } from "#components/target-fields.tsx";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { ByteCount } from "#components/ui/byte-count.tsx";
import { Card } from "#components/ui/card.tsx";
import { EmptyState } from "#components/ui/empty-state.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { HeadRow, Row, Table, Td, Th } from "#components/ui/table.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import { cloneTargets } from "#lib/queries/clone-targets.ts";
import { type MasterView, mastersView } from "#lib/queries/masters.ts";
import { withdrawReleaseAction } from "../../actions/masters.ts";
import { planRestoreAction } from "../../actions/plans.ts";
import { load } from "../../load.ts";

export const metadata: Metadata = { title: "Masters" };

export default async function MastersPage() {
  const { masters, targets, mayRelease } = await load(async (viewer) => ({
    masters: await mastersView(viewer),
    targets: isPermitted(viewer, "restore") ? await cloneTargets(viewer) : null,
    mayRelease: isPermitted(viewer, "release"),
  }));
  return (
    <>
      <PageHeader title="Masters" />
      {masters.length === 0 ? (
        <Card>
          <EmptyState icon={Stamp} title="No snapshot is a master yet">
            Prepare one PC, snapshot it, and mark that snapshot as master on its page. Whole classrooms can
            then be made of it.
          </EmptyState>
        </Card>
      ) : (
        <div className="space-y-4">
          {masters.map((master) => (
            <Card key={master.name} title={master.name} flush>
              <Releases master={master} targets={targets} mayRelease={mayRelease} />
            </Card>
          ))}
        </div>
      )}
    </>
  );
}

function Releases({
  master: { name, releases },
  targets,
  mayRelease,
}: {
  master: MasterView;
  targets: CloneTargets | null;
  mayRelease: boolean;
}) {
  return (
    <Table label={`Releases of ${name}`}>
      <HeadRow>
        <Th>Release</Th>
        <Th>What is new</Th>
        <Th className="max-sm:hidden">Taken of</Th>
        <Th className="text-right max-sm:hidden">Size</Th>
        <Th className="max-sm:hidden">Released</Th>
        <Th>
          <span className="sr-only">Actions</span>
        </Th>
      </HeadRow>
      <tbody>
        {releases.map((release) => (
          <Row key={release.id}>
            <Td className="font-medium">
              <Link href={`/masters/${release.id}`} className="text-accent hover:underline">
                {release.number}
              </Link>
            </Td>
            <Td className="min-w-32 break-words">{release.note}</Td>
            <Td className="max-sm:hidden">
              <Link href={`/nodes/${release.nodeId}`} className="hover:underline">
                {release.nodeName}
              </Link>
            </Td>
            <Td className="text-right max-sm:hidden">
              <ByteCount bytes={release.sizeBytes} />
            </Td>
            <Td className="text-ink-2 max-sm:hidden">
              <LocalTime iso={release.createdAt} /> by {release.createdBy}
            </Td>
            <Td>
              <div className="flex flex-col items-end gap-2 sm:flex-row sm:justify-end">
                {targets === null ? null : (
                  <CloneButton action={planRestoreAction} snapshotId={release.snapshotId} targets={targets} />
                )}
                {mayRelease ? (
                  <ActionForm action={withdrawReleaseAction} fields={{ releaseId: release.id }}>
                    <SubmitButton variant="quiet">Withdraw</SubmitButton>
                  </ActionForm>
                ) : null}
              </div>
            </Td>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

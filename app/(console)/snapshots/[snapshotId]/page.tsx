// A snapshot: what it holds, what it cost to keep, whether it was read back, and the way back to it.
import { RotateCcw, ShieldCheck } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { PURPOSE_WORDS } from "#components/job-words.ts";
import { SizeBreakdown } from "#components/size-breakdown.tsx";
import { VerifyBadge } from "#components/state-badges.tsx";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { ByteCount } from "#components/ui/byte-count.tsx";
import { Card, Fact, Facts } from "#components/ui/card.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import { Notice } from "#components/ui/notice.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { HeadRow, Row, Table, Td, Th } from "#components/ui/table.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import { formatSeconds } from "#lib/model/units.ts";
import { type SnapshotView, snapshotView } from "#lib/queries/snapshot.ts";
import { planRestoreAction } from "../../../actions/plans.ts";
import { verifyAction } from "../../../actions/snapshots.ts";
import { load } from "../../../load.ts";

export const metadata: Metadata = { title: "Snapshot" };

export default async function SnapshotPage({ params }: { params: Promise<{ snapshotId: string }> }) {
  const { snapshotId } = await params;
  const { snapshot, mayWork } = await load(async (viewer) => ({
    snapshot: await snapshotView(viewer, snapshotId),
    mayWork: isPermitted(viewer, "restore"),
  }));
  if (snapshot === null) notFound();
  return (
    <>
      <title>{`${snapshot.nodeName} v${snapshot.version} · Sheepfold`}</title>
      <PageHeader
        crumbs={[
          { href: "/classrooms", label: "Classrooms" },
          ...(snapshot.groupId === null
            ? []
            : [{ href: `/classrooms/${snapshot.groupId}`, label: snapshot.groupName ?? "Classroom" }]),
          { href: `/nodes/${snapshot.nodeId}`, label: snapshot.nodeName },
        ]}
        title={`${snapshot.nodeName} v${snapshot.version}`}
        meta={<VerifyBadge state={snapshot.verifyState} />}
        actions={
          mayWork ? (
            <>
              <ActionForm
                action={planRestoreAction}
                fields={{ kind: "restore-node", subjectId: snapshot.nodeId, at: snapshot.id }}
              >
                <SubmitButton>
                  <RotateCcw aria-hidden size={14} />
                  Roll back {snapshot.nodeName} to this…
                </SubmitButton>
              </ActionForm>
              <ActionForm action={verifyAction} fields={{ snapshotId: snapshot.id }}>
                <SubmitButton variant="secondary">
                  <ShieldCheck aria-hidden size={14} />
                  Verify
                </SubmitButton>
              </ActionForm>
            </>
          ) : undefined
        }
      />
      <div className="space-y-4">
        {snapshot.verifyState === "corrupt" ? (
          <Notice
            tone="bad"
            title="The last verification found damage in what this snapshot needs."
            hint="Restore from another version, and repair the repository from a copy before relying on this one."
          />
        ) : null}
        <Card>
          <SnapshotFacts snapshot={snapshot} />
        </Card>
        <Card title="Where its bytes went">
          <SizeBreakdown sizes={snapshot} />
        </Card>
        <Card title="Partitions" flush>
          <ImageTable snapshot={snapshot} />
        </Card>
      </div>
    </>
  );
}

function SnapshotFacts({ snapshot }: { snapshot: SnapshotView }) {
  return (
    <>
      <Facts>
        <Fact label="Taken" note={`in ${formatSeconds(snapshot.seconds)}`}>
          <LocalTime iso={snapshot.createdAt} />
        </Fact>
        <Fact label="Why">{PURPOSE_WORDS[snapshot.purpose]}</Fact>
        <Fact label="Earlier version">
          {snapshot.parent === null ? (
            "none"
          ) : (
            <Link href={`/snapshots/${snapshot.parent.id}`} className="text-accent hover:underline">
              v{snapshot.parent.version}
            </Link>
          )}
        </Fact>
        <Fact label="Made by">
          {snapshot.jobId === null ? (
            "no job"
          ) : (
            <Link href={`/jobs/${snapshot.jobId}`} className="text-accent hover:underline">
              its job
            </Link>
          )}
        </Fact>
        <Fact label="Read back">
          {snapshot.verifiedAt === null ? "not yet" : <LocalTime iso={snapshot.verifiedAt} />}
        </Fact>
        <Fact
          label="Repository"
          note={snapshot.compression === null ? undefined : `new blocks compressed: ${snapshot.compression}`}
        >
          {snapshot.repositoryName}
        </Fact>
      </Facts>
      {snapshot.comment === "" ? null : <p className="mt-4 break-words">{snapshot.comment}</p>}
      <p className="mt-3 font-mono text-xs break-all text-ink-3">{snapshot.id}</p>
    </>
  );
}

function ImageTable({ snapshot }: { snapshot: SnapshotView }) {
  return (
    <Table label="Partitions">
      <HeadRow>
        <Th>Partition</Th>
        <Th className="text-right">Size</Th>
        <Th className="text-right">Unchanged</Th>
        <Th className="text-right">Empty</Th>
        <Th className="text-right">New</Th>
        <Th className="text-right">Stored</Th>
        <Th>Technique</Th>
        <Th>Content root</Th>
      </HeadRow>
      <tbody>
        {snapshot.images.map((image) => (
          <Row key={image.partition}>
            <Td className="whitespace-nowrap">
              <span className="font-medium">
                {image.partition === "disk-layout" ? "Disk layout" : image.partition}
              </span>
              {image.details.label ? <span className="ml-2 text-ink-3">{image.details.label}</span> : null}
            </Td>
            <Td className="text-right">
              <ByteCount bytes={image.sizeBytes} />
            </Td>
            <Td className="text-right text-ink-2">
              <ByteCount bytes={image.unchangedBytes} />
            </Td>
            <Td className="text-right text-ink-2">
              <ByteCount bytes={image.fillBytes} />
            </Td>
            <Td className="text-right">
              <ByteCount bytes={image.newBytes} />
            </Td>
            <Td className="text-right">
              <ByteCount bytes={image.storedBytes} />
            </Td>
            <Td className="whitespace-nowrap text-ink-2">
              {image.technique}
              {image.baseId === null ? null : (
                <>
                  {" against "}
                  {snapshot.baseNames[image.baseId] === undefined ? (
                    "a pruned snapshot"
                  ) : (
                    <Link href={`/snapshots/${image.baseId}`} className="text-accent hover:underline">
                      {snapshot.baseNames[image.baseId]}
                    </Link>
                  )}
                </>
              )}
            </Td>
            <Td>
              <code className="font-mono text-xs text-ink-3 select-all" title={image.contentRoot}>
                {image.contentRoot.slice(0, 12)}
              </code>
            </Td>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

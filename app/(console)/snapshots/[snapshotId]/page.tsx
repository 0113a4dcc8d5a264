// A snapshot: what it holds, what it cost to keep, whether it was read back, and the way back to it.
import { Pin, PinOff, RotateCcw, ShieldCheck, Stamp } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { CloneButton } from "#components/clone-button.tsx";
import { PURPOSE_WORDS } from "#components/job-words.ts";
import { MasterButton } from "#components/master-button.tsx";
import { SizeBreakdown } from "#components/size-breakdown.tsx";
import { VerifyBadge } from "#components/state-badges.tsx";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Badge } from "#components/ui/badge.tsx";
import { ByteCount } from "#components/ui/byte-count.tsx";
import { Card, Fact, Facts } from "#components/ui/card.tsx";
import { DialogButton } from "#components/ui/dialog.tsx";
import { TextField } from "#components/ui/field.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import { Notice } from "#components/ui/notice.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { HeadRow, Row, Table, Td, Th } from "#components/ui/table.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import { formatSeconds } from "#lib/model/units.ts";
import { cloneTargets } from "#lib/queries/clone-targets.ts";
import { mastersView } from "#lib/queries/masters.ts";
import { type SnapshotView, snapshotView } from "#lib/queries/snapshot.ts";
import { releaseMasterAction } from "../../../actions/masters.ts";
import { planRestoreAction } from "../../../actions/plans.ts";
import { pinAction, unpinAction, verifyAction } from "../../../actions/snapshots.ts";
import { load } from "../../../load.ts";

export const metadata: Metadata = { title: "Snapshot" };

export default async function SnapshotPage({ params }: { params: Promise<{ snapshotId: string }> }) {
  const { snapshotId } = await params;
  const { snapshot, targets, mayPin, masterNames } = await load(async (viewer) => ({
    snapshot: await snapshotView(viewer, snapshotId),
    targets: isPermitted(viewer, "restore") ? await cloneTargets(viewer) : null,
    mayPin: isPermitted(viewer, "pin"),
    masterNames: isPermitted(viewer, "release") ? (await mastersView(viewer)).map(({ name }) => name) : null,
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
        meta={
          <>
            <VerifyBadge state={snapshot.verifyState} />
            {snapshot.release === null ? null : (
              <Badge tone="accent" icon={Stamp}>
                {snapshot.release.masterName} {snapshot.release.number}
              </Badge>
            )}
            {snapshot.pinReason === null ? null : (
              <Badge tone="accent" icon={Pin}>
                Pinned
              </Badge>
            )}
          </>
        }
        actions={
          targets !== null ? (
            <>
              <ActionForm
                action={planRestoreAction}
                fields={{ kind: "restore-node", subjectId: snapshot.nodeId, at: snapshot.id, safety: "yes" }}
              >
                <SubmitButton>
                  <RotateCcw aria-hidden size={14} />
                  Roll back {snapshot.nodeName} to this…
                </SubmitButton>
              </ActionForm>
              <CloneButton action={planRestoreAction} snapshotId={snapshot.id} targets={targets} />
              <ActionForm action={verifyAction} fields={{ snapshotId: snapshot.id }}>
                <SubmitButton variant="secondary">
                  <ShieldCheck aria-hidden size={14} />
                  Verify
                </SubmitButton>
              </ActionForm>
              {masterNames !== null && snapshot.release === null ? (
                <MasterButton action={releaseMasterAction} snapshotId={snapshot.id} names={masterNames} />
              ) : null}
              {mayPin ? <PinButton snapshot={snapshot} /> : null}
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

function PinButton({ snapshot: { id, pinReason } }: { snapshot: SnapshotView }) {
  if (pinReason !== null) {
    return (
      <ActionForm action={unpinAction} fields={{ snapshotId: id }}>
        <SubmitButton variant="secondary">
          <PinOff aria-hidden size={14} />
          Unpin
        </SubmitButton>
      </ActionForm>
    );
  }
  return (
    <DialogButton label="Pin…" icon={<Pin aria-hidden size={14} />} title="Pin this snapshot">
      <ActionForm action={pinAction} fields={{ snapshotId: id }} className="space-y-4">
        <TextField
          label="Why it must stay"
          name="reason"
          required
          maxLength={1024}
          hint="Prune leaves it alone until it is unpinned, and shows this reason."
        />
        <SubmitButton>Pin it</SubmitButton>
      </ActionForm>
    </DialogButton>
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
      {snapshot.pinReason === null ? null : (
        <p className="mt-4 flex flex-wrap items-baseline gap-x-1.5 text-sm">
          <span className="text-ink-2">
            Pinned
            {snapshot.pinnedAt === null ? null : (
              <>
                {" "}
                <LocalTime iso={snapshot.pinnedAt} />
              </>
            )}
            :
          </span>
          <span className="min-w-0 break-words">{snapshot.pinReason}</span>
        </p>
      )}
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

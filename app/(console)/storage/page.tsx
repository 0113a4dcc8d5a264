// What the store holds and what deduplication saves: charts with a table under each, so that no figure is only a shape.
import { HardDrive } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { LiveRefresh } from "#components/live-refresh.tsx";
import { SavingsWaterfall } from "#components/storage/savings-waterfall.tsx";
import { StorageOverTime } from "#components/storage/storage-over-time.tsx";
import { ByteCount } from "#components/ui/byte-count.tsx";
import { Card, Fact, Facts } from "#components/ui/card.tsx";
import { EmptyState } from "#components/ui/empty-state.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { HeadRow, Row, Table, Td, Th } from "#components/ui/table.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { formatBytes, formatShare } from "#lib/model/units.ts";
import { type RepositoryStorage, type StorageView, storageView } from "#lib/queries/storage.ts";
import { load } from "../../load.ts";
import { RetentionCard, StorageChoiceCard } from "./choice-cards.tsx";
import { EvaluationCard } from "./evaluation-card.tsx";
import { UpkeepCard } from "./upkeep-card.tsx";

export const metadata: Metadata = { title: "Storage" };

export default async function StoragePage() {
  const { view, viewer } = await load(async (viewer) => ({ view: await storageView(viewer), viewer }));
  const anything = view.repositories.some((store) => store.now !== null);
  return (
    <>
      <LiveRefresh />
      <PageHeader title="Storage" />
      <div className="space-y-4">
        {anything ? null : (
          <Card>
            <EmptyState icon={HardDrive} title="Nothing stored yet">
              After the first snapshot this page shows what it holds and how much deduplication saves.
            </EmptyState>
          </Card>
        )}
        {view.repositories.map((store) => (
          <RepositorySection key={store.repository.id} store={store} view={view} viewer={viewer} />
        ))}
        {view.nodes.length === 0 ? null : (
          <Card title="PCs by what they add to the store" flush>
            <NodeTable nodes={view.nodes} />
          </Card>
        )}
      </div>
    </>
  );
}

function RepositorySection({
  store: { repository, now, samples, evaluation },
  view,
  viewer,
}: {
  store: RepositoryStorage;
  view: StorageView;
  viewer: Viewer;
}) {
  if (now === null) return null;
  const mayChoose = isPermitted(viewer, "manage-storage");
  return (
    <>
      <Card title={repository.name} aside={`${formatBytes(repository.blockSize)} blocks`}>
        <Facts>
          <Fact label="Snapshots">{now.snapshotCount}</Fact>
          <Fact label="Logical" note="as full images">
            <ByteCount bytes={now.logicalBytes} />
          </Fact>
          <Fact label="Deduplicated" note="each distinct block once">
            <ByteCount bytes={now.uniqueBytes} />
          </Fact>
          <Fact label="Compressed" note="the same, compressed">
            <ByteCount bytes={now.compressedBytes} />
          </Fact>
          <Fact label="Stored" note="all files of the store">
            <ByteCount bytes={now.storedBytes} />
          </Fact>
          <Fact
            label="Saved"
            note={
              now.storedBytes > 0 ? `factor ${(now.logicalBytes / now.storedBytes).toFixed(1)}` : undefined
            }
          >
            {formatShare(now.logicalBytes - now.storedBytes, now.logicalBytes)}
          </Fact>
        </Facts>
      </Card>
      <Card title="Over time">
        <StorageOverTime samples={samples} />
      </Card>
      <Card title="Where the bytes went">
        <SavingsWaterfall sizes={now} />
      </Card>
      <EvaluationCard
        evaluation={evaluation}
        lastRun={view.lastRuns.find(({ kind }) => kind === "evaluate") ?? null}
        nodes={view.nodes}
        mayEvaluate={isPermitted(viewer, "evaluate")}
      />
      <UpkeepCard
        lastRuns={view.lastRuns}
        viewer={viewer}
        repositoryId={repository.id}
        mayPlanPrune={repository.choice.retention !== null}
      />
      <div className="grid items-start gap-4 xl:grid-cols-2">
        <StorageChoiceCard repository={repository} mayChoose={mayChoose} />
        <RetentionCard repository={repository} mayChoose={mayChoose} />
      </div>
    </>
  );
}

function NodeTable({ nodes }: { nodes: StorageView["nodes"] }) {
  return (
    <Table label="PCs by what they add to the store">
      <HeadRow>
        <Th>PC</Th>
        <Th className="text-right">Snapshots</Th>
        <Th className="text-right">Logical</Th>
        <Th className="text-right">New</Th>
        <Th className="text-right">Stored</Th>
      </HeadRow>
      <tbody>
        {nodes.map((node) => (
          <Row key={node.nodeId}>
            <Td className="whitespace-nowrap font-medium">
              <Link href={`/nodes/${node.nodeId}`} className="hover:underline">
                {node.nodeName}
              </Link>
            </Td>
            <Td className="text-right">{node.snapshotCount}</Td>
            <Td className="text-right text-ink-2">
              <ByteCount bytes={node.logicalBytes} />
            </Td>
            <Td className="text-right">
              <ByteCount bytes={node.newBytes} />
            </Td>
            <Td className="text-right">
              <ByteCount bytes={node.storedBytes} />
            </Td>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

// The overview answers one question: is every room ready?
import { DoorOpen, ListChecks } from "lucide-react";
import Link from "next/link";
import { ClassroomCardView } from "#components/classroom-card.tsx";
import { JobCards } from "#components/jobs/job-cards.tsx";
import { JobTable } from "#components/jobs/job-table.tsx";
import { LiveRefresh } from "#components/live-refresh.tsx";
import { LinkButton } from "#components/ui/button.tsx";
import { ByteCount } from "#components/ui/byte-count.tsx";
import { Card, Fact, Facts } from "#components/ui/card.tsx";
import { EmptyState } from "#components/ui/empty-state.tsx";
import { Notice } from "#components/ui/notice.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { formatShare } from "#lib/model/units.ts";
import { type OverviewView, overviewView } from "#lib/queries/overview.ts";
import { load } from "../load.ts";

export default async function OverviewPage() {
  const view = await load((viewer) => overviewView(viewer));
  return (
    <>
      <LiveRefresh poll />
      <PageHeader
        title="Is every room ready?"
        meta={<p className="text-ink-2">{readinessSentence(view)}</p>}
      />
      <div className="space-y-4">
        {view.pendingEnrolments === 0 ? null : (
          <Notice
            title={
              view.pendingEnrolments === 1
                ? "1 PC asks to be let in."
                : `${view.pendingEnrolments} PCs ask to be let in.`
            }
            hint="Compare the code on its screen before you approve it."
          >
            <LinkButton href="/enrolments">Open the inbox</LinkButton>
          </Notice>
        )}
        <Classrooms view={view} />
        {view.running.length === 0 ? null : (
          <Card title="Under way" flush>
            <JobCards jobs={view.running} />
          </Card>
        )}
        <Card title="Last results" aside={<MoreLink href="/jobs">All jobs</MoreLink>} flush>
          {view.ended.length === 0 ? (
            <EmptyState icon={ListChecks} title="No job has ended yet">
              Take the first snapshot of a classroom or a PC; its result appears here.
            </EmptyState>
          ) : (
            <JobTable label="Last results" jobs={view.ended} />
          )}
        </Card>
        <StorageSummary view={view} />
      </div>
    </>
  );
}

function readinessSentence(view: OverviewView): string {
  const total = view.classrooms.reduce((sum, room) => sum + room.nodeCount, 0);
  const ready = view.classrooms.reduce((sum, room) => sum + room.counts.ready, 0);
  if (total === 0) return "No PCs yet.";
  return ready === total ? `Yes: all ${total} PCs are ready.` : `${ready} of ${total} PCs are ready.`;
}

function Classrooms({ view }: { view: OverviewView }) {
  if (view.classrooms.length === 0) {
    return (
      <Card>
        <EmptyState
          icon={DoorOpen}
          title="No classrooms yet"
          action={<LinkButton href="/classrooms">Make a classroom</LinkButton>}
        >
          Make a classroom, start the agent on its PCs, and approve them in the inbox.
        </EmptyState>
      </Card>
    );
  }
  return (
    <ul className="grid gap-3 sm:grid-cols-2 xl:grid-cols-3">
      {view.classrooms.map((room) => (
        <li key={room.id}>
          <ClassroomCardView room={room} />
        </li>
      ))}
    </ul>
  );
}

function StorageSummary({ view: { storage } }: { view: OverviewView }) {
  if (storage === null) return null;
  return (
    <Card title="Store" aside={<MoreLink href="/storage">Charts</MoreLink>}>
      <Facts>
        <Fact label="Snapshots">{storage.snapshotCount}</Fact>
        <Fact label="Logical" note="as full images">
          <ByteCount bytes={storage.logicalBytes} />
        </Fact>
        <Fact label="Deduplicated" note="distinct blocks">
          <ByteCount bytes={storage.uniqueBytes} />
        </Fact>
        <Fact label="Stored" note="all files">
          <ByteCount bytes={storage.storedBytes} />
        </Fact>
        <Fact label="Saved">
          {formatShare(storage.logicalBytes - storage.storedBytes, storage.logicalBytes)}
        </Fact>
      </Facts>
    </Card>
  );
}

function MoreLink({ href, children }: { href: string; children: string }) {
  return (
    <Link href={href} className="text-accent hover:underline">
      {children}
    </Link>
  );
}

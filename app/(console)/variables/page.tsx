// Variables: what differs from PC to PC, as a grid for one classroom at a time; and the files that every PC gets its own copy of.
import { FileDown, Plus, Tags } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import type { ReactNode } from "react";
import { buttonClass, LinkButton } from "#components/ui/button.tsx";
import { Card } from "#components/ui/card.tsx";
import { classNames } from "#components/ui/class-names.ts";
import { EmptyState } from "#components/ui/empty-state.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { AddVariable } from "#components/variables/add-variable.tsx";
import { GenerateDialog } from "#components/variables/generate-dialog.tsx";
import { IdentityFileForm, IdentityFileText } from "#components/variables/identity-file-form.tsx";
import { IdentityFiles } from "#components/variables/identity-files.tsx";
import { ImportDialog } from "#components/variables/import-dialog.tsx";
import { DuplicateNotice } from "#components/variables/preview.tsx";
import { RoomLinks } from "#components/variables/room-links.tsx";
import { VariableGrid } from "#components/variables/variable-grid.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import { type VariablesView, variablesView } from "#lib/queries/variables.ts";
import {
  changeIdentityFileAction,
  createIdentityFileAction,
  removeIdentityFileAction,
} from "../../actions/identity-files.ts";
import {
  changeVariableAction,
  defineVariableAction,
  generateValuesAction,
  importVariablesAction,
  removeVariableAction,
  saveVariablesAction,
} from "../../actions/variables.ts";
import { load } from "../../load.ts";

interface Props {
  searchParams: Promise<{ room?: string | string[]; tab?: string | string[]; file?: string | string[] }>;
}

export const metadata: Metadata = { title: "Variables" };

export default async function VariablesPage({ searchParams }: Props) {
  const { room, tab, file } = await searchParams;
  const { view, mayChange } = await load(async (viewer) => ({
    view: await variablesView(viewer, typeof room === "string" ? room : null),
    mayChange: isPermitted(viewer, "localize"),
  }));
  if (tab === "files") return <FilesTab view={view} mayChange={mayChange} chosen={file} />;
  return (
    <>
      <PageHeader
        title="Variables"
        actions={view.columns.length === 0 ? undefined : <GridActions view={view} mayChange={mayChange} />}
      />
      <Tabs view={view} here="values" />
      {view.columns.length === 0 ? (
        <Card>
          <EmptyState
            icon={Tags}
            title="No variables yet"
            action={
              mayChange ? (
                <AddVariable
                  action={defineVariableAction}
                  suggested={view.suggestedNames}
                  variant="primary"
                />
              ) : undefined
            }
          >
            A variable is what differs from PC to PC after cloning: its name on the network, its address, its
            printer, a licence. Set it for all classrooms, for one, or for a single PC.
          </EmptyState>
        </Card>
      ) : (
        <ValuesTab view={view} mayChange={mayChange} />
      )}
    </>
  );
}

function GridActions({ view, mayChange }: { view: VariablesView; mayChange: boolean }) {
  const { room, classroom } = view;
  const exported = classroom === null ? "" : `?groupId=${classroom.scopeId}`;
  return (
    <>
      {mayChange ? (
        <>
          <AddVariable action={defineVariableAction} suggested={view.suggestedNames} />
          {room === null || view.nodes.length === 0 ? null : (
            <GenerateDialog
              key={room.id}
              action={generateValuesAction}
              columns={view.columns}
              roomName={room.name}
              nodes={view.nodes}
            />
          )}
          <ImportDialog action={importVariablesAction} />
        </>
      ) : null}
      <a
        href={`/api/v1/variables/export.csv${exported}`}
        download
        title="What the PCs have of their own. Secrets are left out."
        className={buttonClass("secondary")}
      >
        <FileDown aria-hidden size={14} />
        Export CSV
      </a>
    </>
  );
}

function ValuesTab({ view, mayChange }: { view: VariablesView; mayChange: boolean }) {
  const secrets = view.columns.filter(({ isSecret }) => isSecret).map(({ name }) => name);
  return (
    <>
      <RoomLinks rooms={view.rooms} here={view.room?.id ?? null} />
      {view.duplicates.length === 0 ? null : (
        <div className="mb-3">
          <DuplicateNotice title="Several PCs have what only one may have" duplicates={view.duplicates} />
        </div>
      )}
      <VariableGrid
        // Another classroom is another grid: what is not saved there has been asked about.
        key={view.room?.id ?? ""}
        columns={view.columns}
        everywhere={view.everywhere}
        classroom={view.classroom}
        nodes={view.nodes}
        elsewhere={view.elsewhere}
        actions={
          mayChange
            ? { save: saveVariablesAction, change: changeVariableAction, remove: removeVariableAction }
            : null
        }
      />
      <p className="mt-2 text-xs text-ink-3">
        Greyed values are inherited: from this classroom, else from all classrooms.
        {secrets.length === 0
          ? ""
          : ` Secrets (${secrets.join(", ")}) are shown to nobody and left out of an export.`}
      </p>
    </>
  );
}

function FilesTab({
  view,
  mayChange,
  chosen,
}: {
  view: VariablesView;
  mayChange: boolean;
  chosen: string | string[] | undefined;
}) {
  const isNew = chosen === "new" && mayChange;
  const file = view.files.find(({ id }) => id === chosen) ?? null;
  const isEdited = isNew || file !== null;
  if (chosen !== undefined && !isEdited) notFound();
  const rooms = view.rooms.filter(({ id }) => id.startsWith("group_"));
  const title =
    file === null ? "New identity file" : `${file.path}, for ${file.groupName ?? "all classrooms"}`;
  return (
    <>
      <PageHeader
        title="Variables"
        actions={
          mayChange && !isEdited ? (
            <LinkButton href="/variables?tab=files&file=new">
              <Plus aria-hidden size={14} />
              Add file
            </LinkButton>
          ) : undefined
        }
      />
      <Tabs view={view} here="files" />
      {isEdited ? (
        <Card title={title}>
          {mayChange ? (
            <IdentityFileForm
              key={file?.id ?? "new"}
              file={file}
              rooms={rooms}
              usableNames={view.usableNames}
              action={file === null ? createIdentityFileAction : changeIdentityFileAction}
            />
          ) : file === null ? null : (
            <IdentityFileText file={file} />
          )}
        </Card>
      ) : (
        <Card flush>
          <IdentityFiles files={view.files} remove={mayChange ? removeIdentityFileAction : null} />
        </Card>
      )}
    </>
  );
}

function Tabs({ view, here }: { view: VariablesView; here: "values" | "files" }) {
  const room = view.room === null ? "" : `?room=${encodeURIComponent(view.room.id)}`;
  return (
    <nav aria-label="Variables" className="mb-4 flex gap-5 border-b border-line">
      <Tab href={`/variables${room}`} isHere={here === "values"}>
        Values
      </Tab>
      <Tab href="/variables?tab=files" isHere={here === "files"}>
        Identity files <span className="text-xs text-ink-3">{view.files.length}</span>
      </Tab>
    </nav>
  );
}

function Tab({ href, isHere, children }: { href: string; isHere: boolean; children: ReactNode }) {
  return (
    <Link
      href={href}
      aria-current={isHere ? "page" : undefined}
      className={classNames(
        "-mb-px border-b-2 pb-2 text-sm font-medium",
        isHere ? "border-accent text-accent" : "border-transparent text-ink-2 hover:text-ink",
      )}
    >
      {children}
    </Link>
  );
}

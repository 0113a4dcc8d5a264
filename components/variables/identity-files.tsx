// The files that PCs find on their identity volume: where they lie, for whom, what they ask for.
import { FileText } from "lucide-react";
import Link from "next/link";
import { ActionForm, SubmitButton } from "../ui/action-form.tsx";
import { ByteCount } from "../ui/byte-count.tsx";
import { DialogButton } from "../ui/dialog.tsx";
import { EmptyState } from "../ui/empty-state.tsx";
import type { FormAction } from "../ui/form-state.ts";
import { HeadRow, Row, Table, Td, Th } from "../ui/table.tsx";

export interface ShownFile {
  readonly id: string;
  readonly path: string;
  /** Null: for all classrooms. */
  readonly groupName: string | null;
  readonly template: string;
  readonly names: readonly string[];
}

export function IdentityFiles({
  files,
  remove,
}: {
  files: readonly ShownFile[];
  /** Null for those who may only look. */
  remove: FormAction | null;
}) {
  if (files.length === 0) {
    return (
      <EmptyState icon={FileText} title="No identity files yet">
        A file with {"{{names}}"} in it, such as a printer’s setup: every PC finds its own copy on its
        identity volume, with its values in their places.
      </EmptyState>
    );
  }
  return (
    <Table label="Identity files">
      <HeadRow>
        <Th>Path</Th>
        <Th>For</Th>
        <Th className="max-sm:hidden">Asks for</Th>
        <Th className="text-right max-sm:hidden">Size</Th>
        <Th>
          <span className="sr-only">Actions</span>
        </Th>
      </HeadRow>
      <tbody>
        {files.map((file) => (
          <Row key={file.id}>
            <Td className="min-w-32 font-medium break-all">
              <Link href={`/variables?tab=files&file=${file.id}`} className="text-accent hover:underline">
                {file.path}
              </Link>
            </Td>
            <Td>{file.groupName ?? "All classrooms"}</Td>
            <Td className="text-ink-2 max-sm:hidden">
              {file.names.length === 0 ? "nothing" : file.names.join(", ")}
            </Td>
            <Td className="text-right max-sm:hidden">
              <ByteCount bytes={new TextEncoder().encode(file.template).length} />
            </Td>
            <Td className="text-right">
              {remove === null ? null : (
                <DialogButton label="Remove…" variant="quiet" title="Remove this file">
                  <ActionForm action={remove} fields={{ fileId: file.id }} className="space-y-4 text-left">
                    <p className="text-sm break-words">
                      {file.path} for {file.groupName ?? "all classrooms"} is removed, and its text is gone.
                      PCs lose it with their next localization.
                    </p>
                    <SubmitButton variant="danger">Remove it</SubmitButton>
                  </ActionForm>
                </DialogButton>
              )}
            </Td>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

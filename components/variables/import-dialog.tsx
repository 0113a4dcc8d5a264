"use client";

// "Import CSV…": a file is read here, sent as text, and shown as what it would change before anything does.
import { FileUp } from "lucide-react";
import { useState } from "react";
import { textOfTable } from "#lib/model/delimited-text.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { ImportPreview } from "#lib/model/variable-grid.ts";
import { DialogButton } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { Notice } from "../ui/notice.tsx";
import { Preview } from "./preview.tsx";
import type { PreviewAction } from "./preview-types.ts";
import { Tick } from "./tick.tsx";
import { useDryRun } from "./use-dry-run.ts";

export function ImportDialog({ action }: { action: PreviewAction<ImportPreview> }) {
  return (
    <DialogButton label="Import CSV…" icon={<FileUp aria-hidden size={14} />} title="Import a table">
      <ImportForm action={action} />
    </DialogButton>
  );
}

function ImportForm({ action }: { action: PreviewAction<ImportPreview> }) {
  const run = useDryRun(action);
  const [text, setText] = useState<string | null>(null);
  const [clears, setClears] = useState(false);
  const [unreadable, setUnreadable] = useState<CodedError | null>(null);
  const show = (table: string | null, emptyCells: "keep" | "clear") => {
    if (table !== null) run.show({ text: table, emptyCells });
  };
  const onFile = async (file: File | undefined) => {
    run.forget();
    setText(null);
    setUnreadable(null);
    if (file === undefined) return;
    try {
      const table = textOfTable(new Uint8Array(await file.arrayBuffer()));
      setText(table);
      show(table, clears ? "clear" : "keep");
    } catch (thrown) {
      if (!(thrown instanceof CodedError)) throw thrown;
      setUnreadable(thrown);
    }
  };
  return (
    <div className="space-y-4">
      <p className="text-sm text-ink-2">
        The first column names the PC, the first line the variables. What “Export CSV” writes can be changed
        in a spreadsheet and imported again.
      </p>
      <TextField
        label="File (CSV or TSV)"
        type="file"
        accept=".csv,.tsv,.txt,text/csv,text/tab-separated-values"
        className="[&_input]:h-auto [&_input]:py-1"
        // The same file again, corrected meanwhile, is to be read again.
        onClick={(event) => {
          event.currentTarget.value = "";
        }}
        onChange={(event) => void onFile(event.currentTarget.files?.[0])}
      />
      <Tick
        checked={clears}
        onChange={(event) => {
          setClears(event.currentTarget.checked);
          show(text, event.currentTarget.checked ? "clear" : "keep");
        }}
        label="Empty cells take the PC’s own value away"
        hint="Otherwise they leave it as it is."
      />
      {unreadable === null ? null : <Notice tone="bad" title={unreadable.message} hint={unreadable.hint} />}
      <Preview run={run} canApply={({ problems }) => problems.length === 0}>
        {({ problems }) =>
          problems.length === 0 ? null : (
            <Notice
              tone="bad"
              title={
                problems.length === 1
                  ? "One line cannot be taken"
                  : `${problems.length} lines cannot be taken`
              }
              hint="Nothing is changed before the table is right as a whole."
            >
              <ul className="max-h-48 overflow-y-auto">
                {problems.map(({ line, words }) => (
                  <li key={`${line} ${words}`} className="break-words">
                    Line {line}: {words}
                  </li>
                ))}
              </ul>
            </Notice>
          )
        }
      </Preview>
    </div>
  );
}

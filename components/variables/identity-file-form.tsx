"use client";

// One identity file: its path, for whom, and its text, with the names that may stand in it; a click on one puts it where the caret is.
import { useRef, useState } from "react";
import { ActionForm, SubmitButton } from "../ui/action-form.tsx";
import { LinkButton } from "../ui/button.tsx";
import { classNames } from "../ui/class-names.ts";
import { INPUT_CLASS, SelectField, TextField } from "../ui/field.tsx";
import type { FormAction } from "../ui/form-state.ts";

export interface EditedFile {
  readonly id: string;
  readonly path: string;
  readonly groupName: string | null;
  readonly template: string;
}

interface Props {
  /** Null: a new one. */
  readonly file: EditedFile | null;
  readonly rooms: readonly { readonly id: string; readonly name: string }[];
  readonly usableNames: readonly { readonly name: string; readonly note: string }[];
  /** Null for those who may only look. */
  readonly action: FormAction | null;
}

export function IdentityFileForm({ file, rooms, usableNames, action }: Props) {
  // Held here, because React empties a form's own fields after every answer, also after a refusal.
  const [path, setPath] = useState(file?.path ?? "");
  const [groupId, setGroupId] = useState("");
  const [text, setText] = useState((file?.template ?? "").replaceAll("\r\n", "\n"));
  const [lineEnds, setLineEnds] = useState(file?.template.includes("\r\n") ? "crlf" : "lf");
  const area = useRef<HTMLTextAreaElement>(null);
  const insert = (name: string) => {
    if (area.current === null) return;
    area.current.setRangeText(`{{${name}}}`, area.current.selectionStart, area.current.selectionEnd, "end");
    setText(area.current.value);
    area.current.focus();
  };
  const content = (
    <div className="grid gap-x-6 gap-y-4 lg:grid-cols-[minmax(0,1fr)_15rem]">
      <div className="space-y-4">
        <div className="flex flex-wrap items-start gap-3">
          <TextField
            className="flex-1 basis-56"
            label="Path below files/"
            name="path"
            required
            maxLength={255}
            placeholder="etc/cups/client.conf"
            value={path}
            readOnly={action === null}
            onChange={(event) => setPath(event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
          />
          {file === null ? (
            <SelectField
              className="basis-40"
              label="For"
              value={groupId}
              onChange={(event) => setGroupId(event.currentTarget.value)}
            >
              <option value="">All classrooms</option>
              {rooms.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </SelectField>
          ) : null}
          <SelectField
            className="basis-40"
            label="Line ends"
            value={lineEnds}
            disabled={action === null}
            onChange={(event) => setLineEnds(event.currentTarget.value)}
          >
            <option value="lf">Linux (LF)</option>
            <option value="crlf">Windows (CRLF)</option>
          </SelectField>
        </div>
        <label className="block">
          <span className="mb-1 block text-xs font-medium text-ink-2">Text</span>
          <textarea
            ref={area}
            name="template"
            rows={18}
            value={text}
            readOnly={action === null}
            onChange={(event) => setText(event.currentTarget.value)}
            spellCheck={false}
            className={classNames(INPUT_CLASS, "h-auto py-2 font-mono leading-normal whitespace-pre")}
          />
        </label>
      </div>
      <div>
        <p className="mb-1 text-xs font-medium text-ink-2">Names that may stand in it</p>
        <ul className="max-h-96 space-y-0.5 overflow-y-auto">
          {usableNames.map(({ name, note }) => (
            <li key={name}>
              <button
                type="button"
                disabled={action === null}
                title={note === "" ? undefined : note}
                onClick={() => insert(name)}
                className="w-full rounded px-1.5 py-1 text-left hover:bg-sunken"
              >
                <code className="font-mono text-xs break-all">{`{{${name}}}`}</code>
                {note === "" ? null : <span className="block truncate text-xs text-ink-3">{note}</span>}
              </button>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
  if (action === null) return content;
  const fields: Record<string, string> =
    file === null ? { groupId, lineEnds } : { fileId: file.id, lineEnds };
  return (
    <ActionForm action={action} fields={fields}>
      {content}
      <div className="mt-4 flex gap-2">
        <SubmitButton>{file === null ? "Add file" : "Save"}</SubmitButton>
        <LinkButton href="/variables?tab=files" variant="quiet">
          Cancel
        </LinkButton>
      </div>
    </ActionForm>
  );
}

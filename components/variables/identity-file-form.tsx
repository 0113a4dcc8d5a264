"use client";

// One identity file: its path, for whom, and its text, with the names that may stand in it; a click on one puts it where the caret is.
// The form is sent by hand: one with an action of React's is emptied after every answer, also after a refusal, and a long text with it.
import { LoaderCircle } from "lucide-react";
import { type FormEvent, startTransition, useActionState, useRef } from "react";
import { Button, LinkButton } from "../ui/button.tsx";
import { classNames } from "../ui/class-names.ts";
import { INPUT_CLASS, SelectField, TextField } from "../ui/field.tsx";
import { type FormAction, IDLE } from "../ui/form-state.ts";
import { Notice } from "../ui/notice.tsx";

export interface EditedFile {
  readonly id: string;
  readonly path: string;
  readonly template: string;
}

interface Props {
  /** Null: a new one. */
  readonly file: EditedFile | null;
  readonly rooms: readonly { readonly id: string; readonly name: string }[];
  readonly usableNames: readonly { readonly name: string; readonly note: string }[];
  readonly action: FormAction;
}

export function IdentityFileForm({ file, rooms, usableNames, action }: Props) {
  const [state, submit, isBusy] = useActionState(action, IDLE);
  const area = useRef<HTMLTextAreaElement>(null);
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    startTransition(() => submit(form));
  };
  const insert = (name: string) => {
    if (area.current === null) return;
    area.current.setRangeText(`{{${name}}}`, area.current.selectionStart, area.current.selectionEnd, "end");
    area.current.focus();
  };
  return (
    <form onSubmit={onSubmit}>
      {file === null ? null : <input type="hidden" name="fileId" value={file.id} />}
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
              defaultValue={file?.path}
              autoComplete="off"
              spellCheck={false}
            />
            {file === null ? (
              <SelectField className="basis-40" label="For" name="groupId">
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
              name="lineEnds"
              defaultValue={file?.template.includes("\r\n") ? "crlf" : "lf"}
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
              defaultValue={file?.template.replaceAll("\r\n", "\n")}
              spellCheck={false}
              className={TEXT_CLASS}
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
      <div aria-live="polite">
        {state.status === "failed" ? (
          <div className="mt-4">
            <Notice tone="bad" title={state.message} hint={state.hint} />
          </div>
        ) : null}
      </div>
      <div className="mt-4 flex gap-2">
        <Button type="submit" variant="primary" disabled={isBusy} aria-busy={isBusy}>
          {isBusy ? <LoaderCircle aria-hidden size={14} className="animate-spin" /> : null}
          {file === null ? "Add file" : "Save"}
        </Button>
        <LinkButton href="/variables?tab=files" variant="quiet">
          Cancel
        </LinkButton>
      </div>
    </form>
  );
}

const TEXT_CLASS = classNames(INPUT_CLASS, "h-auto py-2 font-mono leading-normal whitespace-pre");

/** For those who may only look. */
export function IdentityFileText({ file }: { file: EditedFile }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable by keyboard.
    <section aria-label={`Text of ${file.path}`} tabIndex={0} className="max-h-[70dvh] overflow-auto">
      <pre className="font-mono text-sm">{file.template === "" ? "(empty)" : file.template}</pre>
    </section>
  );
}

// What a dry run found: each value as it is and as it would be, which PCs would have the same where only one may, and the button that
// does it.
import { ArrowRight, LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";
import type { NamedDuplicate, ValueChange, ValuesPreview } from "#lib/model/variable-grid.ts";
import { Button } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";
import { HeadRow, Row, Table, Td, Th } from "../ui/table.tsx";
import { textOfValue } from "./grid-edits.ts";
import type { DryRun } from "./use-dry-run.ts";

/** More is not read; the grid shows all of them afterwards. */
const ROWS_MAX = 300;

export function Preview<Shown extends ValuesPreview>({
  run: { step, isBusy, apply },
  canApply = () => true,
  children,
}: {
  run: DryRun<Shown>;
  canApply?: (preview: Shown) => boolean;
  /** What this kind of wish has to tell beside its changes. */
  children?: (preview: Shown) => ReactNode;
}) {
  if (step.status === "idle") return null;
  if (step.status === "failed") {
    return (
      <div aria-live="polite">
        <Notice tone="bad" title={step.message} hint={step.hint} />
      </div>
    );
  }
  const { preview } = step;
  const { changes, duplicates, isApplied } = preview;
  const values = changes.length === 1 ? "1 value" : `${changes.length} values`;
  return (
    <div aria-live="polite" className="space-y-3">
      {isApplied ? <Notice tone="ok" title={`Done: ${values} changed.`} /> : null}
      {children?.(preview)}
      <DuplicateNotice
        duplicates={duplicates}
        title={isApplied ? "Now the same" : "These would be the same"}
      />
      {isApplied || !canApply(preview) ? null : changes.length === 0 ? (
        <Notice title="Nothing would change." />
      ) : (
        <>
          <Changes changes={changes} />
          <Button variant="primary" disabled={isBusy} aria-busy={isBusy} onClick={apply}>
            {isBusy ? <LoaderCircle aria-hidden size={14} className="animate-spin" /> : null}
            Apply: change {values}
          </Button>
        </>
      )}
    </div>
  );
}

function Changes({ changes }: { changes: readonly ValueChange[] }) {
  const rest = changes.length - ROWS_MAX;
  return (
    <div className="max-h-72 overflow-y-auto rounded-md border border-line">
      <Table label="What would change">
        <HeadRow>
          <Th>PC</Th>
          <Th>Variable</Th>
          <Th>Now</Th>
          <Th>Then</Th>
        </HeadRow>
        <tbody>
          {changes.slice(0, ROWS_MAX).map((change) => (
            <Row key={`${change.name} ${change.scope} ${change.scopeId}`}>
              <Td className="whitespace-nowrap">{change.owner}</Td>
              <Td className="text-ink-2">{change.name}</Td>
              <Td className="break-all text-ink-2">{valueWords(change.from)}</Td>
              <Td className="break-all">
                <span className="inline-flex items-start gap-1.5">
                  <ArrowRight aria-hidden size={13} className="mt-0.5 shrink-0 text-ink-3" />
                  <span>
                    {change.to === null ? <em className="text-ink-2">taken away</em> : valueWords(change.to)}
                  </span>
                </span>
              </Td>
            </Row>
          ))}
        </tbody>
      </Table>
      {rest > 0 ? <p className="px-4 py-2 text-sm text-ink-2">And {rest} more.</p> : null}
    </div>
  );
}

function valueWords(value: string | null): string {
  if (value === null) return "–";
  return value === "" ? "(empty)" : textOfValue(value);
}

const DUPLICATES_MAX = 8;

/** Null when there are none. */
export function DuplicateNotice({
  title,
  duplicates,
}: {
  title: string;
  duplicates: readonly NamedDuplicate[];
}) {
  if (duplicates.length === 0) return null;
  const rest = duplicates.length - DUPLICATES_MAX;
  return (
    <Notice
      tone="warn"
      title={title}
      hint="PCs that share a value which only one may have are left out of a localization until that is mended."
    >
      <ul className="space-y-0.5">
        {duplicates.slice(0, DUPLICATES_MAX).map(({ name, value, nodeNames }) => (
          <li key={`${name} ${value}`} className="break-words">
            {name} “{textOfValue(value)}”: {namesInWords(nodeNames)}
          </li>
        ))}
        {rest > 0 ? <li>And {rest} more.</li> : null}
      </ul>
    </Notice>
  );
}

function namesInWords(names: readonly string[]): string {
  const rest = names.length - DUPLICATES_MAX;
  return rest > 0 ? `${names.slice(0, DUPLICATES_MAX).join(", ")} and ${rest} more` : names.join(", ");
}

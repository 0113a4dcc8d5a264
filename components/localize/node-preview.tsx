// What one PC would get, for people: how much differs from the master, what comes in the place of tokens, the files of its identity
// volume. Secrets are not in it.
import { ByteCount } from "../ui/byte-count.tsx";
import { Fact, Facts } from "../ui/card.tsx";
import { Notice } from "../ui/notice.tsx";
import { HeadRow, Row, Table, Td, Th } from "../ui/table.tsx";

/** More than this nobody reads; the counts above are of all. */
const PLACES_SHOWN_MAX = 200;

export interface ShownPreview {
  readonly nodeName: string;
  readonly problem: { readonly message: string; readonly hint: string | null } | null;
  readonly preview: {
    readonly files: readonly { readonly path: string; readonly sizeBytes: number; readonly text: string }[];
    readonly tokens: readonly {
      readonly partition: string;
      readonly offsetBytes: number;
      readonly name: string;
      readonly encoding: string;
      readonly lengthBytes: number;
      readonly value: string;
    }[];
    readonly recipes: readonly Readonly<Record<string, string | number>>[];
    readonly patchedPageCount: number;
    readonly differingBytes: number;
    readonly volumeBytes: number;
  } | null;
}

export function NodePreviewCard({ preview: { nodeName, problem, preview } }: { preview: ShownPreview }) {
  if (preview === null) {
    return (
      <div className="mt-4">
        <Notice
          tone="warn"
          title={problem?.message ?? `${nodeName} cannot be localized.`}
          hint={problem?.hint}
        />
      </div>
    );
  }
  return (
    <div className="mt-4 space-y-4">
      <Facts>
        <Fact label="Differs from the master" note="at most, in whole pages">
          <ByteCount bytes={preview.differingBytes} />
        </Fact>
        <Fact
          label="Tokens replaced"
          note={preview.patchedPageCount === 1 ? "in one page" : `in ${preview.patchedPageCount} pages`}
        >
          {preview.tokens.length}
        </Fact>
        <Fact label="Identity volume">
          {preview.volumeBytes === 0 ? "none" : <ByteCount bytes={preview.volumeBytes} />}
        </Fact>
        <Fact label="Files on it">{preview.files.length}</Fact>
        <Fact label="Recipes">{preview.recipes.length}</Fact>
      </Facts>
      {preview.tokens.length === 0 ? null : <Tokens tokens={preview.tokens} />}
      {preview.recipes.length === 0 ? null : (
        <pre className="max-h-72 overflow-auto rounded-md border border-line bg-sunken p-3 text-xs">
          {JSON.stringify(preview.recipes, null, 2)}
        </pre>
      )}
      <div className="space-y-1.5">
        {preview.files.map(({ path, sizeBytes, text }) => (
          <details key={path} className="rounded-md border border-line">
            <summary className="cursor-pointer px-3 py-1.5 text-sm">
              <span className="font-mono text-xs">{path}</span>{" "}
              <span className="text-xs text-ink-3">
                <ByteCount bytes={sizeBytes} />
              </span>
            </summary>
            <pre className="max-h-72 overflow-auto border-t border-line bg-sunken p-3 text-xs">{text}</pre>
          </details>
        ))}
      </div>
    </div>
  );
}

function Tokens({ tokens }: { tokens: NonNullable<ShownPreview["preview"]>["tokens"] }) {
  return (
    <div className="max-h-80 overflow-auto rounded-md border border-line">
      <Table label="Tokens of this PC">
        <HeadRow>
          <Th>Token</Th>
          <Th>Becomes</Th>
          <Th>Where</Th>
          <Th className="text-right">At byte</Th>
        </HeadRow>
        <tbody>
          {tokens.slice(0, PLACES_SHOWN_MAX).map(({ partition, offsetBytes, name, encoding, value }) => (
            <Row key={`${partition} ${offsetBytes}`}>
              <Td className="font-mono text-xs">{name}</Td>
              <Td className="break-all font-mono text-xs">{value}</Td>
              <Td className="whitespace-nowrap text-ink-2">
                {partition}, {encoding === "utf8" ? "UTF-8" : "UTF-16"}
              </Td>
              <Td className="text-right tabular-nums">{offsetBytes}</Td>
            </Row>
          ))}
        </tbody>
      </Table>
    </div>
  );
}

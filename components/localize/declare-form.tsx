// Declares what makes copies of a release differ: the identity partition, which of the tokens found are replaced, recipes. The count
// of places goes along with each token: it is what was seen, and one more or less later refuses the plan.
import type { LocalizationSpec } from "#lib/model/localization.ts";
import { formatBytes } from "#lib/model/units.ts";
import { ActionForm, SubmitButton } from "../ui/action-form.tsx";
import { Badge } from "../ui/badge.tsx";
import { INPUT_CLASS, SelectField } from "../ui/field.tsx";
import type { FormAction } from "../ui/form-state.ts";
import { HeadRow, Row, Table, Td, Th } from "../ui/table.tsx";

interface FoundToken {
  readonly name: string;
  readonly count: number;
  readonly partitions: readonly string[];
  readonly encodings: readonly string[];
  readonly roomCharacters: number;
}

const ENCODING_WORDS: Readonly<Record<string, string>> = { utf8: "UTF-8", utf16le: "UTF-16" };

export function DeclareForm({
  action,
  releaseId,
  isScanned,
  spec,
  tokens,
  partitions,
  mayChange,
}: {
  action: FormAction;
  releaseId: string;
  isScanned: boolean;
  spec: LocalizationSpec | null;
  tokens: readonly FoundToken[];
  partitions: readonly { readonly name: string; readonly label: string; readonly sizeBytes: number }[];
  mayChange: boolean;
}) {
  const suggested = partitions.find(({ label }) => label.toUpperCase() === "CIDATA")?.name ?? "";
  const recipes = spec?.recipes ?? [];
  return (
    <ActionForm action={action} fields={{ releaseId }} className="space-y-5">
      <fieldset disabled={!mayChange} className="min-w-0 space-y-5">
        <SelectField
          label="Partition that becomes the identity volume (CIDATA)"
          name="identityImage"
          defaultValue={spec === null ? suggested : (spec.identityImage ?? "")}
          className="max-w-md"
        >
          <option value="">None</option>
          {partitions.map(({ name, label, sizeBytes }) => (
            <option key={name} value={name}>
              {name} {label === "" ? "" : `“${label}” `}({formatBytes(sizeBytes)})
            </option>
          ))}
        </SelectField>
        <div>
          <h3 className="mb-1 text-sm font-medium">Tokens</h3>
          {tokens.length === 0 ? (
            <p className="text-sm text-ink-3">
              {isScanned
                ? "None was found. A token is written @@name@@ into a file of the master, made as long as the longest value by underscores: @@host_name_____@@."
                : "The worker has not looked through this release yet."}
            </p>
          ) : (
            <TokenTable tokens={tokens} spec={spec} />
          )}
        </div>
        <details open={recipes.length > 0}>
          <summary className="cursor-pointer text-sm font-medium">
            Recipes {recipes.length === 0 ? "(none)" : `(${recipes.length})`}
          </summary>
          <p className="my-1.5 text-xs text-ink-3">
            Changes to single files by the tools of the maintenance system, as JSON: a list of set-host-name,
            put-file, set-line and set-registry-value. Texts may hold {"{{names}}"} of variables.
          </p>
          <textarea
            aria-label="Recipes as JSON"
            name="recipes"
            rows={recipes.length === 0 ? 4 : 12}
            spellCheck={false}
            defaultValue={recipes.length === 0 ? "" : JSON.stringify(recipes, null, 2)}
            placeholder={'[{ "kind": "set-host-name", "partition": "p2", "hostName": "{{host_name}}" }]'}
            className={`${INPUT_CLASS} h-auto py-2 font-mono text-xs`}
          />
        </details>
      </fieldset>
      {mayChange ? <SubmitButton>Declare</SubmitButton> : null}
    </ActionForm>
  );
}

function TokenTable({ tokens, spec }: { tokens: readonly FoundToken[]; spec: LocalizationSpec | null }) {
  return (
    <div className="rounded-md border border-line">
      <Table label="Tokens">
        <HeadRow>
          <Th>Replace</Th>
          <Th>Places</Th>
          <Th className="text-right">Room</Th>
          <Th>Where</Th>
          <Th>Filled up with</Th>
        </HeadRow>
        <tbody>
          {tokens.map(({ name, count, partitions, encodings, roomCharacters }) => {
            const declared = spec?.tokens.find((token) => token.name === name);
            return (
              <Row key={name}>
                <Td>
                  <label className="flex items-center gap-2 font-mono text-xs">
                    <input
                      type="checkbox"
                      name="token"
                      value={`${name}:${count}`}
                      defaultChecked={declared !== undefined && count > 0}
                      disabled={count === 0}
                    />
                    {name}
                  </label>
                </Td>
                <Td className="whitespace-nowrap tabular-nums">
                  {count}
                  {declared !== undefined && declared.count !== count ? (
                    <span className="ml-2">
                      <Badge tone="warn">declared for {declared.count}</Badge>
                    </span>
                  ) : null}
                </Td>
                <Td className="text-right tabular-nums">{count === 0 ? "–" : roomCharacters}</Td>
                <Td className="text-ink-2">
                  {partitions.join(", ")}{" "}
                  {encodings.map((encoding) => ENCODING_WORDS[encoding] ?? encoding).join(", ")}
                </Td>
                <Td>
                  <select
                    aria-label={`What fills up ${name}`}
                    name={`padding:${name}`}
                    defaultValue={declared?.padding ?? "space"}
                    className={`${INPUT_CLASS} w-28`}
                  >
                    <option value="space">Spaces</option>
                    <option value="nul">NUL bytes</option>
                  </select>
                </Td>
              </Row>
            );
          })}
        </tbody>
      </Table>
    </div>
  );
}

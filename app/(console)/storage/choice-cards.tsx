// What is chosen for a repository: how new images are stored, and which snapshots are kept. Who may not change it reads it.
import { COMPRESSION_CHOICES, TECHNIQUE_WORDS } from "#components/storage/storage-words.ts";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Card, Fact, Facts } from "#components/ui/card.tsx";
import { SelectField, TextField } from "#components/ui/field.tsx";
import { compressionInWords } from "#lib/model/compression.ts";
import { RETENTION_RULES, type RetentionRule } from "#lib/model/retention.ts";
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import type { RepositoryStorage } from "#lib/queries/storage.ts";
import { chooseRetentionAction, chooseStorageAction } from "../../actions/upkeep.ts";

type Repository = RepositoryStorage["repository"];

const RULE_WORDS: Readonly<Record<RetentionRule, string>> = {
  last: "Newest",
  hourly: "Hours",
  daily: "Days",
  weekly: "Weeks",
  monthly: "Months",
  yearly: "Years",
};

export function StorageChoiceCard({ repository, mayChoose }: { repository: Repository; mayChoose: boolean }) {
  const { technique, compression } = repository.choice;
  const words = compressionInWords(compression);
  const offered: string[] = [...COMPRESSION_CHOICES];
  if (!offered.includes(words)) offered.push(words);
  return (
    <Card title="How images are stored">
      {mayChoose ? (
        <ActionForm action={chooseStorageAction} fields={{ repositoryId: repository.id }}>
          <p className="mb-3 text-sm text-ink-2">
            For archives that name nothing else. What is stored stays as it is, and every technique restores
            alike.
          </p>
          <div className="flex flex-wrap items-end gap-3">
            <SelectField
              key={technique}
              className="flex-1 basis-52"
              label="Technique"
              name="technique"
              defaultValue={technique}
            >
              {TECHNIQUES.map((each) => (
                <option key={each} value={each}>
                  {TECHNIQUE_WORDS[each]}
                </option>
              ))}
            </SelectField>
            <SelectField
              key={words}
              className="flex-1 basis-28"
              label="Compression"
              name="compression"
              defaultValue={words}
            >
              {offered.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </SelectField>
            <SubmitButton variant="secondary">Save technique</SubmitButton>
          </div>
        </ActionForm>
      ) : (
        <Facts>
          <Fact label="Technique">{technique}</Fact>
          <Fact label="Compression">{words}</Fact>
        </Facts>
      )}
    </Card>
  );
}

export function RetentionCard({ repository, mayChoose }: { repository: Repository; mayChoose: boolean }) {
  const { retention } = repository.choice;
  if (!mayChoose) {
    return (
      <Card title="What is kept">
        {retention === null ? (
          <p className="text-sm text-ink-2">Everything: nobody has chosen rules yet.</p>
        ) : (
          <Facts>
            {RETENTION_RULES.map((rule) => (
              <Fact key={rule} label={RULE_WORDS[rule]}>
                {retention.keep[rule] ?? 0}
              </Fact>
            ))}
          </Facts>
        )}
      </Card>
    );
  }
  return (
    <Card title="What is kept">
      <ActionForm action={chooseRetentionAction} fields={{ repositoryId: repository.id }}>
        <p className="mb-3 text-sm text-ink-2">
          Of each PC: the newest snapshots, and the newest of each of so many hours, days … that have one.
          Pinned snapshots, bases of diffs that stay and a PC’s last good snapshot always stay. Saving removes
          nothing.
        </p>
        <div className="grid grid-cols-3 gap-3 sm:grid-cols-6">
          {RETENTION_RULES.map((rule) => (
            <TextField
              key={rule}
              label={RULE_WORDS[rule]}
              name={rule}
              type="number"
              min={0}
              max={10_000}
              defaultValue={retention?.keep[rule] ?? 0}
            />
          ))}
        </div>
        <div className="mt-3 flex flex-wrap items-end gap-3">
          <TextField
            className="flex-1 basis-40"
            label="Days begin at midnight in"
            name="timeZone"
            required
            defaultValue={retention?.timeZone ?? "UTC"}
          />
          <SubmitButton variant="secondary">Save rules</SubmitButton>
        </div>
      </ActionForm>
    </Card>
  );
}

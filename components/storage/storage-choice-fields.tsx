"use client";

// Technique, compression and base of one archive, folded away: whoever does not open it gets what was chosen for the repository.
// A base belongs to diffs only, so it is asked for only then.
import { useState } from "react";
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import { SelectField } from "../ui/field.tsx";
import { COMPRESSION_CHOICES, TECHNIQUE_WORDS } from "./storage-words.ts";

export interface BaseChoice {
  readonly id: string;
  readonly title: string;
}

export function StorageChoiceFields({ bases }: { bases: readonly BaseChoice[] }) {
  const [technique, setTechnique] = useState("");
  return (
    <details>
      <summary className="text-sm text-ink-2">How it is stored</summary>
      <div className="mt-3 space-y-3">
        <SelectField
          label="Technique"
          name="technique"
          value={technique}
          onChange={(event) => setTechnique(event.currentTarget.value)}
        >
          <option value="">As chosen for the repository</option>
          {TECHNIQUES.map((each) => (
            <option key={each} value={each}>
              {TECHNIQUE_WORDS[each]}
            </option>
          ))}
        </SelectField>
        <SelectField label="Compression" name="compression">
          <option value="">As chosen for the repository</option>
          {COMPRESSION_CHOICES.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </SelectField>
        {technique === "diff" ? (
          <SelectField label="Base of the diff" name="base">
            <option value="previous">Its previous snapshot</option>
            <option value="first">Its first snapshot</option>
            {bases.map(({ id, title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </SelectField>
        ) : null}
      </div>
    </details>
  );
}

// For tests that call routes: every answer is compared with the schema its route declares, in both directions. A field that is missing
// or of another type, and a field that no schema tells of, both fail. Production is spared the work.
import { afterAll, beforeAll, expect } from "vitest";
import { isFileAnswer } from "./v1/declaration.ts";
import { witnessAnswers } from "./v1/route-of.ts";

/** Call it once at the top of a test file. */
export function checkEveryAnswer(): void {
  const complaints: string[] = [];
  beforeAll(() =>
    witnessAnswers(({ path, answer: schema }, answer) => {
      if (isFileAnswer(schema)) return;
      const sent: unknown = JSON.parse(JSON.stringify(answer));
      const parsed = schema.safeParse(sent);
      if (!parsed.success) complaints.push(`${path}: ${parsed.error.message}`);
      // What a schema does not tell of, it leaves out.
      else if (JSON.stringify(sorted(parsed.data)) !== JSON.stringify(sorted(sent)))
        complaints.push(`${path} answers more than it declares: ${JSON.stringify(sent).slice(0, 500)}`);
    }),
  );
  afterAll(() => expect(complaints).toEqual([]));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

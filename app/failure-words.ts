// What a person reads when a page could not be drawn, by failure code. Anything without a name gets the general words.
export const CODED_DIGEST = "sheepfold:";

interface Words {
  readonly title: string;
  readonly hint: string;
}

const GENERAL: Words = {
  title: "This page could not be drawn",
  hint: "The app's log has the details. Nothing was changed; try again.",
};

const WORDS: Readonly<Record<string, Words>> = {
  "database-unavailable": {
    title: "The database does not answer",
    hint: "Start Postgres or correct DATABASE_URL. Running work goes on by itself once it answers; then try again.",
  },
  "not-permitted": {
    title: "Your role does not allow this",
    hint: "Ask an administrator for the operator role, or sign in as someone else.",
  },
  "environment-invalid": {
    title: "The app is not configured",
    hint: "The app's log names the variable that is missing or wrong; .env.example lists them all.",
  },
};

export function failureWords(digest: string | undefined): Words {
  if (!digest?.startsWith(CODED_DIGEST)) return GENERAL;
  return WORDS[digest.slice(CODED_DIGEST.length)] ?? GENERAL;
}

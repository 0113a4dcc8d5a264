// What a wish says beyond its kind, as the job's row keeps it.

type Plain = string | number | boolean | null;
/** JSON of at most two levels. */
export type JobOptions = Readonly<Record<string, Plain | readonly Plain[] | Readonly<Record<string, Plain>>>>;

/** Prisma wants its JSON writable. */
export function rowOfOptions(options: JobOptions) {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => {
      if (typeof value !== "object" || value === null) return [name, value];
      return [name, isList(value) ? [...value] : { ...value }];
    }),
  );
}

function isList(value: JobOptions[string]): value is readonly Plain[] {
  return Array.isArray(value);
}

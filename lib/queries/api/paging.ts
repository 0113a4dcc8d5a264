// Lists in pieces. A page says where the next one begins, as a cursor that callers hand back unread: the place of its last item in
// the list's order. Items that appear or vanish meanwhile move nobody else: what was there all the time is seen once.
import { z } from "zod";
import { CodedError } from "#lib/model/errors.ts";

/** What an item is ordered by; the last word tells any two apart. */
export type Place = readonly (string | number)[];

export interface PageAsked {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** The cursor of the next page; null at the end. */
  readonly next: string | null;
}

const CURSOR_CHARACTERS_MAX = 1_024;

/** The query fields of a list; a page has at most `max` items. */
export function pageFields({ usual, max }: { readonly usual: number; readonly max: number }) {
  return {
    limit: z.coerce.number().int().min(1).max(max).default(usual).describe("Items in a page."),
    cursor: z
      .string()
      .max(CURSOR_CHARACTERS_MAX)
      .optional()
      .describe("`next` of the page before; left out for the first."),
  };
}

/** The schema of a page of such items. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().describe("Cursor of the next page; null when this is the last."),
  });
}

export function cursorOf(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** Null for the first page. `shape` says what the list's places look like: a cursor of another list is refused. */
export function placeOf<Shape extends z.ZodType<Place>>(
  shape: Shape,
  cursor: string | undefined,
): z.output<Shape> | null {
  if (cursor === undefined) return null;
  const parsed = shape.safeParse(parsedJson(Buffer.from(cursor, "base64url").toString("utf8")));
  if (parsed.success) return parsed.data;
  throw new CodedError("input-invalid", "cursor: not one that this list gave.", {
    hint: "Use the field next of the page before, or leave it out to begin anew.",
  });
}

/** From one item more than a page holds, read behind the cursor: the page, and whether there is another. */
export function pageFrom<Item>(
  rows: readonly Item[],
  limit: number,
  placeOfItem: (item: Item) => Place,
): Page<Item> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const isLast = rows.length <= limit || last === undefined;
  return { items, next: isLast ? null : cursorOf(placeOfItem(last)) };
}

/** A page of a list that people keep small, such as classrooms: read whole, sorted and cut here. */
export function pageOfWhole<Item>(
  all: readonly Item[],
  { limit, cursor }: PageAsked,
  placeOfItem: (item: Item) => readonly [string, ...(string | number)[]],
): Page<Item> {
  const shape = z.tuple([z.string()], z.union([z.string(), z.number()]));
  const after = placeOf(shape, cursor);
  const sorted = [...all].sort((left, right) => compare(placeOfItem(left), placeOfItem(right)));
  const behind = sorted.filter((item) => after === null || compare(placeOfItem(item), after) > 0);
  return pageFrom(behind.slice(0, limit + 1), limit, placeOfItem);
}

/** By code units and by value: the same on every machine, whatever its language. */
function compare(left: Place, right: Place): number {
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const [a = "", b = ""] = [left[index], right[index]];
    if (a < b) return -1;
    if (a > b) return 1;
  }
  return left.length - right.length;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // no cursor of ours: the caller says so
  }
}

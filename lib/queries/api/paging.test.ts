import { describe, expect, test } from "vitest";
import { z } from "zod";
import { cursorOf, type PageAsked, pageFields, pageFrom, pageOfWhole, placeOf } from "./paging.ts";

const named = (...names: string[]) => names.map((name) => ({ name }));
const page = (items: { name: string }[], asked: PageAsked) => pageOfWhole(items, asked, ({ name }) => [name]);

describe("a list in pages", () => {
  test("every item is seen once, in order, whatever the size of the pages", () => {
    const items = named(..."thequickbrownfx".split("").sort());
    for (let limit = 1; limit <= items.length + 1; limit += 1) {
      const seen: string[] = [];
      let cursor: string | undefined;
      for (let count = 0; count <= items.length; count += 1) {
        const found = page(items.toReversed(), { limit, cursor });
        seen.push(...found.items.map(({ name }) => name));
        if (found.next === null) break;
        cursor = found.next;
      }
      expect(seen).toEqual(items.map(({ name }) => name));
    }
  });

  test("an item that vanishes or appears between two pages moves no other", () => {
    const first = page(named("a", "b", "c", "d"), { limit: 2 });
    const second = page(named("a", "aa", "c", "cc", "d"), { limit: 5, cursor: first.next ?? undefined });
    expect(second.items.map(({ name }) => name)).toEqual(["c", "cc", "d"]);
  });

  test("the last page, even when it is full, has no next one", () => {
    expect(page(named("a", "b"), { limit: 2 }).next).toBeNull();
    expect(page([], { limit: 2 })).toEqual({ items: [], next: null });
  });

  test("numbers in a place are compared as numbers, downwards when negative", () => {
    const releases = [1, 2, 10].map((number) => ({ number }));
    const found = pageOfWhole(releases, { limit: 2 }, ({ number }) => ["master", -number]);
    expect(found.items).toEqual([{ number: 10 }, { number: 2 }]);
    const rest = pageOfWhole(releases, { limit: 2, cursor: found.next ?? undefined }, ({ number }) => [
      "master",
      -number,
    ]);
    expect(rest).toEqual({ items: [{ number: 1 }], next: null });
  });
});

test("a cursor that no list gave, or another list gave, is refused by its name", () => {
  const shape = z.tuple([z.iso.datetime(), z.string()]);
  for (const cursor of ["", "x", cursorOf(["not a moment", "job_1"]), cursorOf([1, 2]), cursorOf(["a"])]) {
    expect(() => placeOf(shape, cursor)).toThrow(expect.objectContaining({ code: "input-invalid" }));
  }
  const place = ["2026-01-01T00:00:00.000Z", "job_1"] as const;
  expect(placeOf(shape, cursorOf(place))).toEqual(place);
});

test("limits are bounded", () => {
  const asked = z.object(pageFields({ usual: 50, max: 500 }));
  expect(asked.parse({})).toEqual({ limit: 50 });
  expect(asked.parse({ limit: "500" })).toEqual({ limit: 500 });
  for (const limit of ["0", "-1", "501", "1.5", "x"]) expect(asked.safeParse({ limit }).success).toBe(false);
  expect(pageFrom([1, 2, 3], 2, (item) => [item])).toEqual({ items: [1, 2], next: cursorOf([2]) });
});

// docs/failure-codes.md against the list in errors.ts: a code is explained when it is made, and not longer than it exists.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FAILURE_CODES } from "./errors.ts";

const AGAIN = ["by itself", "later", "after a change"];

const page = readFileSync(new URL("../../docs/failure-codes.md", import.meta.url), "utf8");
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "").trim()));

test("docs/failure-codes.md explains every code once, and no other", () => {
  expect(rows.map(([code]) => code).sort()).toEqual(FAILURE_CODES.map((code) => `\`${code}\``).sort());
});

test("each row says the cause, what is seen, what to do, and whether trying again can help", () => {
  for (const cells of rows) {
    expect(cells, `${cells[0]} has five cells`).toHaveLength(5);
    for (const cell of cells) expect(cell, `a cell of ${cells[0]}`).not.toBe("");
    expect(AGAIN, `again? of ${cells[0]}`).toContain(cells[4]);
  }
});

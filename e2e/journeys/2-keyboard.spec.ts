// The matrix without a mouse: one tab stop, arrows, Enter for the panel, Escape back to the cell.
import { expect, test } from "@playwright/test";
import { openClassroom, signIn, theWorld } from "../world-facts.ts";

test("the matrix is one tab stop, and every cell can be read and opened by keyboard", async ({ page }) => {
  const { pcs } = theWorld();
  await signIn(page);
  const grid = await openClassroom(page);
  await expect(grid).toHaveAttribute("aria-rowcount", String(pcs.length + 1));
  await expect(grid.locator('[tabindex="0"]')).toHaveCount(1);

  await grid.locator('[tabindex="0"]').focus();
  await page.keyboard.press("Control+Home");
  const firstCell = grid.locator('[data-at="0:0"]');
  await expect(firstCell).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await expect(grid.locator('[data-at="0:1"]')).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(grid.locator('[data-at="1:1"]')).toBeFocused();
  await expect(grid.locator('[tabindex="0"]')).toHaveCount(1);
  await page.keyboard.press("Home");
  await expect(grid.locator('[data-at="1:-1"]')).toBeFocused();
  await page.keyboard.press("Control+End");
  const lastCell = grid.locator(`[data-at="${pcs.length - 1}:${(await columnCount(grid)) - 1}"]`);
  await expect(lastCell).toBeFocused();

  await page.keyboard.press("Enter");
  const panel = page.getByRole("complementary").filter({ has: page.getByRole("heading", { level: 3 }) });
  await expect(panel).toBeFocused();
  await expect(panel.getByRole("heading", { level: 3 })).toHaveText(pcs.at(-1) as string);
  await expect(panel.getByRole("button", { name: /Roll back .* to v\d/ })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(panel).toHaveCount(0);
  await expect(lastCell).toBeFocused();
});

test("a dialog holds the focus and gives it back", async ({ page }) => {
  await signIn(page);
  await openClassroom(page);
  const button = page.getByRole("button", { name: "Snapshot classroom" });
  await button.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(button).toBeFocused();
});

async function columnCount(grid: import("@playwright/test").Locator): Promise<number> {
  return Number(await grid.getAttribute("aria-colcount")) - 1;
}

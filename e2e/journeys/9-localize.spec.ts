// A classroom of thirty gets its identities: values pasted from a spreadsheet, a release declared, one PC previewed, all localized by one
// job with a baseline each; then one value changes, and only that PC is localized anew.
import { expect, type Page, test } from "@playwright/test";
import { hand, signIn, theWorld } from "../world-facts.ts";

const ROOM = "LAB-30";
const PC_COUNT = 30;
const nameOf = (seat: number) => `lab-30-${String(seat).padStart(2, "0")}`;

test("thirty PCs are localized, and one of them anew", async ({ page }) => {
  test.setTimeout(420_000);
  const { appUrl } = theWorld();
  const groupId = await hand("room", ROOM, PC_COUNT);
  const [first = "", second = ""] = [nameOf(1), nameOf(2)];
  await signIn(page);

  await test.step("a variable each for names and licences", async () => {
    await page.goto(`${appUrl}/variables?room=${groupId}`);
    for (const name of ["host_name", "licence"]) {
      await page.getByRole("button", { name: "Add variable" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("combobox", { name: "Name" }).fill(name);
      await dialog.getByRole("button", { name: "Add variable" }).click();
      await expect(page.getByRole("columnheader", { name: new RegExp(name) })).toBeAttached();
      // It stays open for the next one; with the first one the page is another.
      await page.keyboard.press("Escape");
      await expect(dialog).toBeHidden();
    }
  });

  await test.step("thirty rows pasted from a spreadsheet", async () => {
    const rows = Array.from({ length: PC_COUNT }, (_, index) => `pc-${index + 1}\tLIC-${1000 + index}`);
    await pasteInto(page, first, "host_name", rows.join("\n"));
    await saveChanges(page);
  });

  const releaseId = await test.step("a snapshot of one becomes a master", async () => {
    await page.goto(`${appUrl}/nodes/${await nodeNamed(page, first)}`);
    await page.getByRole("button", { name: "Snapshot node" }).click();
    await page
      .getByRole("dialog")
      .getByRole("button", { name: `Snapshot ${first}` })
      .click();
    await page.waitForURL(/\/jobs\/job_/);
    await expect(page.locator("main header").getByText("Succeeded")).toBeVisible({ timeout: 90_000 });
    await page.locator("main").getByRole("link", { name: "Snapshot", exact: true }).click();
    await page.getByRole("button", { name: "Mark as master…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Master").fill("Room of thirty");
    await dialog.getByLabel("What is new in it").fill("Tokens for names and licences");
    await dialog.getByRole("button", { name: "Release it" }).click();
    await page.waitForURL(/\/masters\/rel_/);
    return /rel_\w+/.exec(page.url())?.[0] ?? "";
  });

  await test.step("what was found in it is declared", async () => {
    const token = page.getByRole("checkbox", { name: "host_name" });
    await expect(async () => {
      await page.reload();
      await expect(token).toBeVisible({ timeout: 2_000 });
    }).toPass({ timeout: 60_000 });
    await token.check();
    await page.getByRole("checkbox", { name: "licence" }).check();
    await page.getByRole("button", { name: "Declare" }).click();
    await expect(page.getByText("Declared.")).toBeVisible();
  });

  await test.step("one PC is previewed before any disk is touched", async () => {
    await page.getByLabel("PC", { exact: true }).selectOption({ label: `${ROOM}: ${second}` });
    await page.getByRole("button", { name: "Show what it would get" }).click();
    const tokens = page.getByRole("region", { name: "Tokens of this PC" });
    await expect(tokens).toContainText("pc-2");
    await expect(tokens).toContainText("LIC-1001");
    await page.getByText("meta-data").click();
    await expect(page.getByText('"local-hostname": "pc-2"')).toBeVisible();
    expect(await hand("line", second, 0)).toContain("@@host_name");
  });

  await test.step("the whole classroom by one job", async () => {
    await page.getByRole("button", { name: "Localize…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog
      .getByLabel("Classroom", { exact: true })
      .selectOption({ label: `${ROOM}: all ${PC_COUNT} PCs` });
    await dialog.getByRole("button", { name: "Show the plan" }).click();
    await expect(page.getByRole("heading", { level: 1, name: `Plan: localize ${ROOM}` })).toBeVisible();
    await expect(page.getByRole("heading", { name: `Will be overwritten (${PC_COUNT})` })).toBeVisible();
    await page.getByLabel(`Type ${ROOM} to confirm`).fill(ROOM);
    await page.getByRole("button", { name: new RegExp(`^Overwrite ${PC_COUNT}`) }).click();
    await page.waitForURL(/\/jobs\/job_/);
    await expect(page.locator("main header").getByText("Succeeded")).toBeVisible({ timeout: 240_000 });
    expect(await hand("line", second, 0)).toMatch(/^host=pc-2 +$/);
    expect(await hand("line", nameOf(30), 1)).toMatch(/^licence=LIC-1029 +$/);
  });

  await test.step("thirty baselines, and every PC holds what it is told", async () => {
    await page.goto(`${appUrl}/classrooms/${groupId}`);
    const grid = page.getByRole("grid", { name: `History of ${ROOM}` });
    await expect(grid.getByRole("gridcell", { name: /: localized, v\d+$/ })).toHaveCount(PC_COUNT);
    await expect(grid.getByText(", localized")).toHaveCount(PC_COUNT);
  });

  await test.step("one value changes: that PC alone is stale, and is localized anew", async () => {
    await page.goto(`${appUrl}/variables?room=${groupId}`);
    await page.getByRole("textbox", { name: `licence of ${second}` }).fill("LIC-NEW");
    await saveChanges(page);
    await page.goto(`${appUrl}/classrooms/${groupId}`);
    await expect(page.getByText(", identity is stale")).toHaveCount(1);
    await page.goto(`${appUrl}/masters/${releaseId}`);
    await page.getByRole("button", { name: "Localize…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("checkbox", { name: second, exact: true }).check();
    await dialog.getByRole("button", { name: "Show the plan" }).click();
    await expect(page.getByText("Localize → Baseline.")).toBeVisible();
    await page.getByRole("button", { name: `Overwrite ${second}` }).click();
    await page.waitForURL(/\/jobs\/job_/);
    await expect(page.locator("main header").getByText("Succeeded")).toBeVisible({ timeout: 90_000 });
    expect(await hand("line", second, 1)).toMatch(/^licence=LIC-NEW +$/);
    expect(await hand("line", first, 1)).toMatch(/^licence=LIC-1000 +$/);
    await page.goto(`${appUrl}/classrooms/${groupId}`);
    await expect(page.getByText(", localized")).toHaveCount(PC_COUNT);
  });
});

/** As a person who copied cells of a spreadsheet. */
async function pasteInto(page: Page, pc: string, variable: string, text: string): Promise<void> {
  const cell = page.getByRole("textbox", { name: `${variable} of ${pc}` });
  await cell.focus();
  await cell.evaluate((element, pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", pasted);
    element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, text);
}

async function saveChanges(page: Page): Promise<void> {
  const bar = page.getByRole("region", { name: "Changes" });
  await bar.getByRole("button", { name: "Save" }).click();
  await expect(bar.getByRole("button", { name: "Save" })).toBeHidden();
}

async function nodeNamed(page: Page, name: string): Promise<string> {
  const response = await page.request.get(`${theWorld().appUrl}/api/v1/nodes`);
  const { items } = (await response.json()) as { items: { id: string; name: string }[] };
  return items.find((candidate) => candidate.name === name)?.id ?? "";
}

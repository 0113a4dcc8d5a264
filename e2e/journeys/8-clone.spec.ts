// A snapshot of one PC goes to two others, which take the pages from each other: plan, type how many, see them become
// copies byte for byte, and the matrix say whose version they hold.
import { expect, test } from "@playwright/test";
import { hand, openClassroom, signIn, theWorld, untilSucceeded } from "../world-facts.ts";

test("two PCs become copies of a third", async ({ page }) => {
  const { appUrl, pcs } = theWorld();
  const [master = "", ...copies] = pcs.slice(0, 3);
  await signIn(page);
  await hand("change", master, 21);
  const node = await nodeNamed(page, master);

  await test.step("a snapshot of the master", async () => {
    await page.goto(`${appUrl}/nodes/${node}`);
    await page.getByRole("button", { name: "Snapshot node" }).click();
    await page
      .getByRole("dialog")
      .getByRole("button", { name: `Snapshot ${master}` })
      .click();
    await untilSucceeded(page);
    await page.locator("main").getByRole("link", { name: "Snapshot", exact: true }).click();
  });

  await test.step("it becomes the first release of a master", async () => {
    await page.getByRole("button", { name: "Mark as master…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Master").fill("Lab image");
    await dialog.getByLabel("What is new in it").fill("Printer drivers");
    await dialog.getByRole("button", { name: "Release it" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Lab image 1" })).toBeVisible();
    await page.getByRole("link", { name: "Masters" }).first().click();
    const release = page.getByRole("region", { name: "Releases of Lab image" }).getByRole("row").nth(1);
    await expect(release).toContainText("Printer drivers");
    await expect(release).toContainText(master);
  });

  await test.step("the plan says what would be lost", async () => {
    await page.getByRole("button", { name: "Clone to…" }).click();
    const dialog = page.getByRole("dialog");
    for (const copy of copies) await dialog.getByRole("checkbox", { name: copy, exact: true }).check();
    await dialog.getByRole("button", { name: "Show the plan" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Plan: clone to 2 PCs" })).toBeVisible();
    await expect(page.getByRole("heading", { name: "Will be overwritten (2)" })).toBeVisible();
    await expect(page.getByText(/will be lost|gone for good/).first()).toBeVisible();
  });

  await test.step("typed and applied, both hold what the master holds", async () => {
    await page.getByLabel("Type 2 PCs to confirm").fill("2 PCs");
    await page.getByRole("button", { name: "Overwrite 2 of 2 PCs" }).click();
    await untilSucceeded(page);
    await expect(page.getByText(/written, verified/)).toHaveCount(2);
    const content = await hand("hash", master);
    for (const copy of copies) expect(await hand("hash", copy)).toBe(content);
    const grid = await openClassroom(page);
    await expect(grid.getByRole("gridcell", { name: new RegExp(`: cloned, ${master} v\\d+$`) })).toHaveCount(
      2,
    );
  });
});

async function nodeNamed(page: import("@playwright/test").Page, name: string): Promise<string> {
  const response = await page.request.get(`${theWorld().appUrl}/api/v1/nodes`);
  const { items } = (await response.json()) as { items: { id: string; name: string }[] };
  return items.find((candidate) => candidate.name === name)?.id ?? "";
}

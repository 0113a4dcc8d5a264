// The main journey: sign in, snapshot a PC, watch it, see the new cell, damage the PC, roll the classroom back, see every
// byte back and the repository verified.
import { expect, test } from "@playwright/test";
import { hand, openClassroom, signIn, snapshotClassroom, theWorld, untilSucceeded } from "../world-facts.ts";

test("a damaged classroom goes back to a moment, byte for byte", async ({ page }) => {
  const { classroom, pcs, appUrl } = theWorld();
  const first = pcs[0] as string;
  await signIn(page);
  await expect(page.getByRole("link", { name: new RegExp(classroom.name) })).toBeVisible();

  await test.step("snapshot one PC and watch it", async () => {
    await page.goto(`${appUrl}/classrooms/${classroom.id}`);
    await expect(page.getByText("No history yet")).toBeVisible();
    await page.goto(`${appUrl}/jobs`);
    await openNode(page, first);
    await page.getByRole("button", { name: "Snapshot node" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Comment (optional)").fill("before the lesson");
    await dialog.getByRole("button", { name: `Snapshot ${first}` }).click();
    await untilSucceeded(page);
    await expect(page.getByText(/read · .* new · .* stored/)).toBeVisible();
  });

  await test.step("see the new cell", async () => {
    const grid = await openClassroom(page);
    await expect(
      grid.getByRole("gridcell", { name: new RegExp(`^${first}, .*: snapshot taken, v1$`) }),
    ).toBeVisible();
    for (const other of pcs.slice(1)) {
      await expect(
        grid.getByRole("gridcell", { name: new RegExp(`^${other}, .*: never captured$`) }),
      ).toBeVisible();
    }
  });

  const before = new Map<string, string>();
  const lost = new Map<string, string>();
  await test.step("snapshot the classroom, then lose it", async () => {
    await snapshotClassroom(page, "whole room");
    for (const pc of pcs) before.set(pc, await hand("hash", pc));
    await hand("damage", first, 7);
    for (const pc of pcs.slice(1)) await hand("change", pc, 8);
    for (const pc of pcs) lost.set(pc, await hand("hash", pc));
    for (const pc of pcs) expect(lost.get(pc)).not.toBe(before.get(pc));
  });

  await test.step("plan the roll back; the room's name is asked for", async () => {
    await openClassroom(page);
    await page.getByRole("button", { name: "Roll back classroom" }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByLabel("Go back to").getByRole("option").first()).toContainText("whole room");
    await dialog.getByRole("button", { name: "Show the plan" }).click();
    await expect(
      page.getByRole("heading", { level: 1, name: `Plan: roll back ${classroom.name}` }),
    ).toBeVisible();
    await expect(page.getByRole("heading", { name: `Will be restored (${pcs.length})` })).toBeVisible();
    const apply = page.getByRole("button", { name: `Roll back ${pcs.length} of ${pcs.length} PCs` });
    await expect(apply).toBeDisabled();
    await page.getByLabel(`Type ${classroom.name} to confirm`).fill(classroom.name.toLowerCase());
    await expect(apply).toBeDisabled();
    await page.getByLabel(`Type ${classroom.name} to confirm`).fill(classroom.name);
    await apply.click();
    await untilSucceeded(page);
    await expect(page.getByText(/written, verified/)).toHaveCount(pcs.length);
  });

  await test.step("every byte is back", async () => {
    for (const pc of pcs) expect(await hand("hash", pc)).toBe(before.get(pc));
    const grid = await openClassroom(page);
    await expect(grid.getByRole("gridcell", { name: /: rolled back, v\d$/ })).toHaveCount(pcs.length);
  });

  await test.step("the roll back is undone, damage and all, and so is the undo", async () => {
    const deeds = [
      [`Roll back ${classroom.name}`, lost],
      [`Undo: Roll back ${classroom.name}`, before],
    ] as const;
    for (const [title, expected] of deeds) {
      await page.goto(`${appUrl}/jobs`);
      await page.getByRole("link", { name: title, exact: true }).first().click();
      await page.getByRole("button", { name: "Undo…" }).click();
      await expect(page.getByRole("heading", { level: 1, name: `Plan: undo “${title}”` })).toBeVisible();
      await page.getByLabel(`Type ${title} to confirm`).fill(title);
      await page.getByRole("button", { name: `Roll back ${pcs.length} of ${pcs.length} PCs` }).click();
      await untilSucceeded(page);
      for (const pc of pcs) expect(await hand("hash", pc)).toBe(expected.get(pc));
    }
  });

  await test.step("verify the repository", async () => {
    await page.goto(`${appUrl}/storage`);
    await page.getByRole("button", { name: "Verify everything" }).click();
    await untilSucceeded(page);
    await expect(page.getByText(/All \d+ snapshots read back as they were written/)).toBeVisible();
    await openNode(page, first);
    await expect(
      page.getByRole("row").filter({ hasText: "v1" }).getByText("Verified", { exact: true }),
    ).toBeVisible();
  });
});

async function openNode(page: import("@playwright/test").Page, name: string): Promise<void> {
  const { appUrl, classroom } = theWorld();
  // Before its first snapshot a room has no matrix; the API knows every node's page.
  const response = await page.request.get(`${appUrl}/api/v1/nodes`);
  const { items } = (await response.json()) as { items: { id: string; name: string }[] };
  const node = items.find((candidate) => candidate.name === name);
  if (node === undefined) throw new Error(`${name} is not among the nodes of ${classroom.name}.`);
  await page.goto(`${appUrl}/nodes/${node.id}`);
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
}

// A PC nobody knows asks to be let in, and a person approves it by the code on its screen.
import { expect, test } from "@playwright/test";
import { hand, openClassroom, signIn, theWorld } from "../world-facts.ts";

test("an unknown PC waits in the inbox until it is approved under a name of our choice", async ({ page }) => {
  const { appUrl, classroom } = theWorld();
  await signIn(page);
  await hand("stranger", "newcomer", 40);
  await page.goto(`${appUrl}/enrolments`);
  const entry = page.getByRole("listitem").filter({ hasText: "newcomer" });
  await expect(entry.getByText(/^[A-Z0-9]{4}-[A-Z0-9]{4}$/)).toBeVisible({ timeout: 40_000 });
  await entry.getByLabel("Name").fill("lab-a-extra");
  await entry.getByLabel("Classroom").selectOption({ label: classroom.name });
  await entry.getByRole("button", { name: "Approve" }).click();
  await expect(entry).toHaveCount(0);
  const grid = await openClassroom(page);
  await expect(grid.getByRole("rowheader", { name: /lab-a-extra/ })).toBeVisible();
});

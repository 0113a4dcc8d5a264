// An administrator adds somebody, changes the role, makes a new password, and shuts the door; the person sees it each time.
import { type Browser, expect, type Locator, type Page, test } from "@playwright/test";
import { openClassroom, signIn, theWorld } from "../world-facts.ts";

const EMAIL = "grace@sheepfold.local";

async function openPeople(page: Page): Promise<Locator> {
  await page.goto(`${theWorld().appUrl}/settings`);
  await page.getByRole("link", { name: "People", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "People" })).toBeVisible();
  return page.getByRole("listitem").filter({ hasText: EMAIL });
}

/** The person's own browser, with nothing of the administrator's. */
async function inOwnBrowser(browser: Browser, work: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext();
  try {
    await work(await context.newPage());
  } finally {
    await context.close();
  }
}

async function secretIn(place: Locator): Promise<string> {
  await expect(place.getByText("this password now: it is shown only once.")).toBeVisible();
  return (await place.locator("code").textContent())?.trim() ?? "";
}

test("a person is added, promoted, given a new password, and shut out", async ({ page, browser }) => {
  await signIn(page);
  await openPeople(page);
  await page.getByRole("button", { name: "Add person" }).click();
  const dialog = page.getByRole("dialog", { name: "Add person" });
  await dialog.getByLabel("Name").fill("Grace");
  await dialog.getByLabel("Email").fill(EMAIL);
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  const first = await secretIn(dialog);
  await inOwnBrowser(browser, async (own) => {
    await signIn(own, { email: EMAIL, password: first });
    await openClassroom(own);
    await expect(own.getByRole("button", { name: "Snapshot classroom" })).toHaveCount(0);
    await own.goto(`${theWorld().appUrl}/settings/people`);
    await expect(own.getByText("Your role does not allow this")).toBeVisible();
  });

  const row = await openPeople(page);
  await row.getByLabel("Role").selectOption("operator");
  await row.getByRole("button", { name: "Change role" }).click();
  await expect(row.getByText("Grace is now operator.")).toBeVisible();
  await row.getByRole("button", { name: "New password", exact: true }).click();
  const reset = page.getByRole("dialog", { name: "New password for Grace" });
  await reset.getByRole("button", { name: "Make a new password" }).click();
  const second = await secretIn(reset);
  await reset.getByRole("button", { name: "Close" }).click();

  await inOwnBrowser(browser, async (own) => {
    await own.goto(`${theWorld().appUrl}/sign-in`);
    await own.getByLabel("Email").fill(EMAIL);
    await own.getByLabel("Password").fill(first);
    await own.getByRole("button", { name: "Sign in" }).click();
    await expect(own.getByText("Email or password is wrong.")).toBeVisible();
    await signIn(own, { email: EMAIL, password: second });
    await openClassroom(own);
    await expect(own.getByRole("button", { name: "Snapshot classroom" })).toBeVisible();

    await row.getByRole("button", { name: "Disable sign-in" }).click();
    await expect(row.getByText("Grace is signed out and cannot sign in.")).toBeVisible();
    await own.reload();
    await expect(own).toHaveURL(/\/sign-in$/);
    await own.getByLabel("Email").fill(EMAIL);
    await own.getByLabel("Password").fill(second);
    await own.getByRole("button", { name: "Sign in" }).click();
    await expect(own.getByText("This account is disabled.")).toBeVisible();
  });

  await row.getByRole("button", { name: "Enable sign-in" }).click();
  await expect(row.getByText("Grace can sign in again.")).toBeVisible();
});

test("the only administrator is offered neither another role nor the door", async ({ page }) => {
  await signIn(page);
  await openPeople(page);
  const own = page.getByRole("listitem").filter({ hasText: theWorld().admin.email });
  await expect(own.getByText("The only administrator who can sign in.")).toBeVisible();
  await expect(own.getByRole("button")).toHaveCount(0);
});

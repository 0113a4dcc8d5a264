// Who may come in and who may act.
import { expect, test } from "@playwright/test";
import { openClassroom, signIn, theWorld } from "../world-facts.ts";

const PAGES = [
  "/",
  "/classrooms",
  "/jobs",
  "/storage",
  "/enrolments",
  "/settings",
  "/settings/people",
  "/settings/api",
];

for (const path of PAGES) {
  test(`a stranger who asks for ${path} is led to the sign-in page`, async ({ page }) => {
    await page.goto(`${theWorld().appUrl}${path}`);
    await expect(page).toHaveURL(/\/sign-in$/);
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  });
}

test("a wrong password is refused in words that do not tell who has an account", async ({ page }) => {
  await page.goto(`${theWorld().appUrl}/sign-in`);
  for (const email of [theWorld().admin.email, "nobody@sheepfold.local"]) {
    await page.getByLabel("Email").fill(email);
    await page.getByLabel("Password").fill("certainly not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByText("Email or password is wrong.")).toBeVisible();
  }
});

test("a viewer sees the history and is offered no deed", async ({ page }) => {
  await signIn(page, theWorld().onlooker);
  const grid = await openClassroom(page);
  await expect(grid).toBeVisible();
  await expect(page.getByRole("button", { name: "Snapshot classroom" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Roll back classroom" })).toHaveCount(0);
  await page.goto(`${theWorld().appUrl}/storage`);
  await expect(page.getByRole("button", { name: "Verify everything" })).toHaveCount(0);
});

test("a viewer who sends a wish past the buttons is refused", async ({ page }) => {
  await signIn(page, theWorld().onlooker);
  const { appUrl, classroom } = theWorld();
  const response = await page.request.post(`${appUrl}/api/v1/groups/${classroom.id}/snapshots`, {
    headers: { "idempotency-key": "past-the-buttons-1", origin: appUrl },
    data: {},
  });
  expect(response.status()).toBe(403);
  expect((await response.json()) as unknown).toMatchObject({ code: "not-permitted" });
});

test("signing out ends the session", async ({ page }) => {
  await signIn(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/sign-in$/);
  await page.goto(`${theWorld().appUrl}/jobs`);
  await expect(page).toHaveURL(/\/sign-in$/);
});

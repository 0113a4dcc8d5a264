// Every page: one first heading, named buttons, links and fields, no complaint in the console, and on a phone's width
// nothing that scrolls the page sideways, in light and dark.
import { expect, type Page, test } from "@playwright/test";
import { signIn, theWorld } from "../world-facts.ts";

async function everyPath(page: Page): Promise<string[]> {
  const { appUrl, classroom } = theWorld();
  const first = async (kind: string) => {
    const response = await page.request.get(`${appUrl}/api/v1/${kind}`);
    const { items } = (await response.json()) as { items: { id: string }[] };
    return items[0]?.id ?? "";
  };
  return [
    "/",
    "/classrooms",
    `/classrooms/${classroom.id}`,
    `/nodes/${await first("nodes")}`,
    `/snapshots/${await first("snapshots")}`,
    "/jobs",
    `/jobs/${await first("jobs")}`,
    "/storage",
    "/enrolments",
    "/settings",
    "/settings/people",
    "/settings/api",
    "/settings/notifications",
    "/schedules",
  ];
}

test("a viewer is offered no deed on any page, but for those on his own account", async ({ page }) => {
  await signIn(page, theWorld().onlooker);
  for (const path of await everyPath(page)) {
    if (path.startsWith("/settings")) continue;
    await page.goto(`${theWorld().appUrl}${path}`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.locator("main form"), `${path} offers a deed`).toHaveCount(0);
    await expect(page.locator("main button:disabled"), `${path} has a dead button`).toHaveCount(0);
  }
  await page.goto(`${theWorld().appUrl}/settings`);
  await expect(page.getByRole("button", { name: "Change password" })).toBeVisible();
  await expect(page.getByRole("link", { name: "People", exact: true })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Make key" })).toHaveCount(0);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`no page scrolls sideways on a phone, ${colorScheme}`, async ({ browser }) => {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 }, colorScheme });
    const page = await context.newPage();
    await signIn(page);
    for (const path of await everyPath(page)) {
      await page.goto(`${theWorld().appUrl}${path}`);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(tooWide, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
    }
    await context.close();
  });
}

test("every page has one first heading, and names for all that can be used", async ({ page }) => {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  await signIn(page);
  for (const path of await everyPath(page)) {
    await page.goto(`${theWorld().appUrl}${path}`);
    await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
    await expect(page.getByRole("main")).toHaveCount(1);
    expect(await namelessControls(page), `${path} has controls without a name`).toEqual([]);
  }
  expect(complaints).toEqual([]);
});

test("the menu on a phone opens, leads on, and closes", async ({ browser }) => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  await signIn(page);
  await page.getByRole("button", { name: "Menu", exact: true }).click();
  await page.getByRole("dialog", { name: "Menu" }).getByRole("link", { name: "Storage" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Storage" })).toBeVisible();
  await expect(page.getByRole("dialog", { name: "Menu" })).toHaveCount(0);
  await context.close();
});

test("the chosen colours outlive a reload", async ({ page }) => {
  await signIn(page);
  await page.getByRole("button", { name: "Dark", exact: true }).click();
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(page.getByRole("button", { name: "Dark", exact: true })).toHaveAttribute(
    "aria-pressed",
    "true",
  );
});

/** Buttons, links and fields that neither a text, a label nor a title names. */
function namelessControls(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const named = (element: Element) => {
      const labels =
        element instanceof HTMLInputElement || element instanceof HTMLSelectElement ? element.labels : null;
      const words = [element.getAttribute("aria-label"), element.textContent, labels?.[0]?.textContent];
      return words.some((text) => (text ?? "").trim() !== "");
    };
    return [...document.querySelectorAll("main button, main a, main select, main input:not([type=hidden])")]
      .filter((element) => !named(element))
      .map((element) => element.outerHTML.slice(0, 200));
  });
}

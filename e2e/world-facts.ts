// What a journey knows of its world, and the hands it has there beside the browser's.
import { expect, type Locator, type Page } from "@playwright/test";

interface SignIn {
  readonly email: string;
  readonly password: string;
}

export interface World {
  readonly appUrl: string;
  readonly hands: string;
  readonly admin: SignIn;
  readonly onlooker: SignIn;
  readonly classroom: { readonly id: string; readonly name: string };
  readonly pcs: readonly string[];
}

export function theWorld(): World {
  const text = process.env.SHEEPFOLD_E2E_WORLD;
  if (text === undefined) throw new Error("The world was not started; run through e2e/playwright.config.ts.");
  return JSON.parse(text) as World;
}

export async function hand(
  deed: "change" | "damage" | "hash" | "stranger" | "room" | "line",
  pc: string,
  seed = 1,
): Promise<string> {
  const response = await fetch(`${theWorld().hands}/${deed}?pc=${encodeURIComponent(pc)}&seed=${seed}`);
  const text = await response.text();
  if (!response.ok) throw new Error(`${deed} ${pc}: ${text}`);
  return text;
}

export async function signIn(page: Page, who: SignIn = theWorld().admin): Promise<void> {
  await page.goto(`${theWorld().appUrl}/sign-in`);
  await page.getByLabel("Email").fill(who.email);
  await page.getByLabel("Password").fill(who.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Is every room ready?" })).toBeVisible();
}

export async function openClassroom(page: Page): Promise<Locator> {
  const { appUrl, classroom } = theWorld();
  await page.goto(`${appUrl}/classrooms/${classroom.id}`);
  await expect(page.getByRole("heading", { level: 1, name: classroom.name })).toBeVisible();
  return page.getByRole("grid", { name: `History of ${classroom.name}` });
}

/** Waits on a job's page until it has ended well. */
export async function untilSucceeded(page: Page): Promise<void> {
  await page.waitForURL(/\/jobs\/job_/);
  await expect(page.locator("main header").getByText("Succeeded")).toBeVisible({ timeout: 90_000 });
}

export async function snapshotClassroom(page: Page, comment: string): Promise<void> {
  const { pcs } = theWorld();
  await openClassroom(page);
  await page.getByRole("button", { name: "Snapshot classroom" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Comment (optional)").fill(comment);
  await dialog.getByRole("button", { name: `Snapshot ${pcs.length} PCs` }).click();
  await untilSucceeded(page);
}

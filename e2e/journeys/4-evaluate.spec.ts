// A person asks what other techniques would cost, reads the answer off the charts' tables, and it is what was computed. Then the
// store is looked after: rules are chosen, a prune is planned and applied, what it left is freed, the rest is scrubbed and re-segmented.
import { expect, test } from "@playwright/test";
import { formatBytes, formatShare } from "#lib/model/units.ts";
import { hand, signIn, snapshotClassroom, theWorld, untilSucceeded } from "../world-facts.ts";

interface Evaluation {
  readonly wish: { readonly snapshotIds: readonly string[]; readonly imageBytes: readonly number[] };
  readonly rows: readonly {
    readonly snapshotId: string;
    readonly technique: string;
    readonly blockSize: number;
    readonly compression: string;
    readonly totalBytes: number;
    readonly incrementBytes: number;
  }[];
}

test("evaluate a PC's snapshots and read the charts", async ({ page }) => {
  const { appUrl, pcs } = theWorld();
  const pc = pcs[0] as string;
  await signIn(page);
  await test.step("two snapshots at least", async () => {
    await snapshotClassroom(page, "to evaluate");
    await hand("change", pc, 21);
    await snapshotClassroom(page, "and changed");
  });

  await test.step("ask", async () => {
    await page.goto(`${appUrl}/storage`);
    await page.getByRole("button", { name: "Evaluate", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Evaluate snapshots" });
    const option = await dialog
      .getByLabel("PC")
      .getByRole("option", { name: new RegExp(`^${pc} `) })
      .textContent();
    await dialog.getByLabel("PC").selectOption({ label: option ?? "" });
    await dialog.getByLabel("Its newest snapshots").fill("2");
    for (const size of ["512 B", "16 KiB"]) await dialog.getByLabel(size, { exact: true }).uncheck();
    await dialog.getByLabel("gzip").uncheck();
    await dialog.getByRole("button", { name: "Evaluate them" }).click();
    await untilSucceeded(page);
    // 2 snapshots × 3 techniques × 2 block sizes × 2 compressions.
    await expect(page.getByText("24 figures computed.")).toBeVisible();
  });

  await test.step("the charts' tables say what was computed", async () => {
    await page.getByRole("link", { name: "See the charts on the storage page" }).click();
    const response = await page.request.get(`${appUrl}/api/v1/evaluations`);
    const { items } = (await response.json()) as { items: Evaluation[] };
    const evaluation = items[0] as Evaluation;
    const rows = (like: object) =>
      evaluation.rows.filter((row) =>
        Object.entries(like).every(([key, value]) => row[key as keyof typeof row] === value),
      );
    const zstd = (technique: string, blockSize: number) =>
      rows({ technique, blockSize, compression: "zstd" });
    expect(zstd("repository", 4096)).toHaveLength(2);
    await expect(page.locator("figure svg.recharts-surface")).toHaveCount(4);

    const imageBytes = evaluation.wish.imageBytes.reduce((sum, bytes) => sum + bytes, 0);
    const saved = page.getByRole("figure").filter({ hasText: "Saved by each technique" });
    await saved.getByText("As a table").click();
    const share = (technique: string) =>
      formatShare(1 - (zstd(technique, 4096)[1]?.totalBytes ?? 0) / imageBytes, 1);
    await expect(saved.getByRole("row", { name: /^4 KiB/ })).toHaveText(
      `4 KiB${share("full")}${share("diff")}${share("repository")}`,
    );
    expect(zstd("repository", 4096)[1]?.totalBytes).toBeLessThan(zstd("full", 4096)[1]?.totalBytes ?? 0);

    const added = page.getByRole("figure").filter({ hasText: "What each snapshot adds" });
    await added.getByText("As a table").click();
    const increment = (technique: string) => formatBytes(zstd(technique, 4096)[1]?.incrementBytes ?? 0);
    await expect(added.getByRole("row", { name: new RegExp(`^${pc} v`) }).nth(1)).toContainText(
      `${increment("full")}${increment("diff")}${increment("repository")}`,
    );
    await expect(added.getByText(/Source: evaluation of 2 snapshots/)).toBeVisible();

    await page.getByLabel("Compression", { exact: true }).first().selectOption("none");
    await expect(page.getByText("Saved by each technique, none")).toBeVisible();
  });
});

test("rules are chosen, a prune is planned and applied, and what it left is freed", async ({ page }) => {
  const { appUrl, pcs } = theWorld();
  await signIn(page);
  await page.goto(`${appUrl}/storage`);
  await expect(page.getByText("Choose first what is kept.")).toBeVisible();
  await page.getByRole("button", { name: "Save rules" }).click();
  await expect(page.getByText("No rule says what to keep.")).toBeVisible();
  await page.getByLabel("Newest", { exact: true }).fill("1");
  await page.getByRole("button", { name: "Save rules" }).click();
  await expect(page.getByText("Nothing is removed before a prune is planned")).toBeVisible();
  await page.getByRole("button", { name: "Plan a prune" }).click();
  await untilSucceeded(page);
  await expect(page.getByRole("row", { name: /Stays.*the newest/ })).toHaveCount(pcs.length);
  await page.getByRole("button", { name: /^Remove \d+ snapshots?$/ }).click();
  await page.waitForURL(/\/jobs\/job_/);
  await expect(page.getByText(/^\d+ snapshots? removed\.$/)).toBeVisible();

  await page.goto(`${appUrl}/storage`);
  await page.getByRole("button", { name: "Free now" }).click();
  await untilSucceeded(page);
  await expect(page.getByText(/freed in \d+ packs?\.$/)).toBeVisible();
  await page.goto(`${appUrl}/storage`);
  await page.getByRole("button", { name: "Scrub all, deep" }).click();
  await untilSucceeded(page);
  await expect(page.getByText(/read, nothing wrong\.$/)).toBeVisible();
  await page.goto(`${appUrl}/storage`);
  await page.getByRole("button", { name: "Re-segment all" }).click();
  await untilSucceeded(page);
  await expect(page.getByText(/^\d+ packs? compressed anew: .* became [^;]*\.$/)).toBeVisible();
});

test("a snapshot is pinned with a reason, says so, and is unpinned", async ({ page }) => {
  const { appUrl } = theWorld();
  await signIn(page);
  const response = await page.request.get(`${appUrl}/api/v1/snapshots?limit=1`);
  const { items } = (await response.json()) as { items: { id: string }[] };
  const snapshot = `${appUrl}/snapshots/${items[0]?.id}`;
  await page.goto(snapshot);
  await page.getByRole("button", { name: "Pin…" }).click();
  await page.getByLabel("Why it must stay").fill("the state before the exam");
  await page.getByRole("button", { name: "Pin it" }).click();
  await untilSucceeded(page);
  await expect(page.getByText("Pinned: the state before the exam.")).toBeVisible();
  await page.getByRole("link", { name: "Back to the snapshot" }).click();
  await expect(page.getByText("the state before the exam")).toBeVisible();
  await page.getByRole("button", { name: "Unpin" }).click();
  await untilSucceeded(page);
  await expect(page.getByText("No longer pinned.")).toBeVisible();
  await page.goto(snapshot);
  await expect(page.getByRole("button", { name: "Pin…" })).toBeVisible();
});

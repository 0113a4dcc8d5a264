// A sysadmin lets a classroom be archived by night, keeps an exam free, and is told in the morning: by forms, in a browser, with a real
// mail server at the other end.
import { expect, test } from "@playwright/test";
import { plainText, startSmtpSink } from "#lib/delivery/test-smtp-sink.ts";
import { signIn, theWorld } from "../world-facts.ts";

test("a schedule is made by its form, shown with its next runs and nights, and switched off", async ({
  page,
}) => {
  const { appUrl, classroom } = theWorld();
  await signIn(page);
  await page.goto(`${appUrl}/schedules`);
  await page.getByRole("link", { name: "New schedule" }).click();
  // The page before it has a field of the same name.
  await expect(page.getByRole("heading", { level: 1, name: "New schedule" })).toBeVisible();
  await page.getByLabel("Name").fill("Every night");
  await page.getByLabel("Classroom").selectOption({ label: classroom.name });
  await page.getByLabel("At", { exact: true }).fill("02:30");
  await page.getByLabel("Time zone").fill("Europe/Nowhere");
  await page.getByRole("button", { name: "Make schedule" }).click();
  await expect(page.getByText(/timeZone: must be a time zone/)).toBeVisible();
  // What was entered is still there.
  await expect(page.getByLabel("Name")).toHaveValue("Every night");
  await page.getByLabel("Time zone").fill("Europe/Vienna");
  await page.getByRole("button", { name: "Make schedule" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Every night" })).toBeVisible();
  await expect(page.getByText("It has not run yet")).toBeVisible();

  await page.goto(`${appUrl}/schedules`);
  const row = page.getByRole("row", { name: /Every night/ });
  await expect(row.getByText("Every day at 02:30")).toBeVisible();
  await expect(row.getByText(/, 02:30$/)).toHaveCount(3);
  await expect(page.getByRole("heading", { level: 3, name: /Night to/ })).toHaveCount(7);
  await page.getByLabel("Reason").fill("Exams");
  await page.getByLabel(/^From \(/).fill("2030-06-01T08:00");
  await page.getByLabel(/^Until \(/).fill("2030-06-01T12:00");
  await page.getByRole("button", { name: "Add blackout" }).click();
  await page.getByRole("button", { name: "Remove Exams" }).click();
  await expect(page.getByRole("button", { name: "Remove Exams" })).toHaveCount(0);

  await row.getByRole("button", { name: "Switch off Every night" }).click();
  await expect(row.getByText("Off", { exact: true })).toBeVisible();
});

test("the test of a recipient shows what the mail server answered", async ({ page }) => {
  const sink = await startSmtpSink();
  try {
    await signIn(page);
    await page.goto(`${theWorld().appUrl}/settings/notifications`);
    await page.getByLabel("Host").fill("127.0.0.1");
    await page.getByLabel("Port").fill(String(sink.port));
    await page.getByLabel("Security").selectOption("none");
    await page.getByLabel("From").fill("sheepfold@school.example");
    await page.getByRole("button", { name: "Save mail server" }).click();
    await expect(page.getByText(/^Saved\. A recipient/)).toBeVisible();
    await page.getByLabel("Name").fill("IT office");
    await page.getByLabel("Mail address or URL").fill("it@school.example");
    await page.getByRole("button", { name: "Add recipient" }).click();
    await page.getByRole("button", { name: "Send a test to IT office" }).click();
    await expect(page.getByText("The server answered: 250 kept as number 7")).toBeVisible();
    expect(sink.mails.map(plainText).join()).toContain("Subject: Sheepfold: a test");
    sink.refuse("550 No such user here");
    await page.getByRole("button", { name: "Send a test to IT office" }).click();
    await expect(page.getByText(/550 No such user here/)).toBeVisible();
    await page.getByRole("button", { name: "Remove IT office" }).click();
    await expect(page.getByRole("button", { name: "Remove IT office" })).toHaveCount(0);
  } finally {
    await sink.close();
  }
});

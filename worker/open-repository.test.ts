// A first start makes a repository; a later one never makes another in its place.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openWorkersRepository } from "./open-repository.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-open-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("the first start makes the repository, the next opens the same", async () => {
  const first = await openWorkersRepository(folder, []);
  const { id } = first.info;
  await first.close();
  const second = await openWorkersRepository(folder, [id]);
  expect(second.info.id).toBe(id);
  await second.close();
});

test("a folder that held a repository and is empty now is refused, and stays empty", async () => {
  await expect(openWorkersRepository(folder, ["0123abcd"])).rejects.toMatchObject({
    code: "repository-missing",
    message: expect.stringContaining("0123abcd"),
  });
  expect(await readdir(folder)).toEqual([]);
});

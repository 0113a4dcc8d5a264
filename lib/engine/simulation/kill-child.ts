// The process that kill.integration.test.ts kills: it archives into a real folder until it dies.
// Each snapshot's comment is the seed of its contents, so that anyone can check it; each commit is told on
// stdout once it has been acknowledged, and must never be lost after that.
import { openRepository } from "../repository.ts";
import { openLocalDisk } from "../storage/local-disk.ts";
import { sourceOf } from "./disk.ts";
import { killTestDisk } from "./kill-contents.ts";

const [folder = "", firstSeed = "0"] = process.argv.slice(2);
const repository = await openRepository({
  storage: await openLocalDisk(folder),
  access: "write",
  owner: `kill test ${process.pid}`,
});
for (let seed = Number(firstSeed); ; seed++) {
  const bytes = killTestDisk(seed);
  console.log("archiving");
  const session = await repository.beginArchive({ node: `pc-${seed % 3}`, comment: String(seed) });
  await session.archiveSource({ partition: "sda1" }, sourceOf(bytes));
  const record = await session.commit();
  console.log(`committed ${record.id}`);
}

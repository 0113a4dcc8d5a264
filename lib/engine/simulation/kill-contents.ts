// The partition that the kill test archives under a seed: a common system with some work of its own, so that
// archives share blocks with those before, also with those that were cut off.
import { Chance } from "#lib/model/chance.ts";
import { changedDisk, newDisk } from "./disk.ts";

const SYSTEM_BYTES = 1024 * 1024 + 1536;

export function killTestDisk(seed: number): Uint8Array {
  const system = newDisk(new Chance(42), SYSTEM_BYTES);
  const shared = new Chance(43);
  for (let start = 0; start < SYSTEM_BYTES / 2; start += 131_072) system.set(shared.text(100_000), start);
  const chance = new Chance(seed);
  let disk: Uint8Array = system;
  for (let round = 0; round < 4; round++) {
    const changed = changedDisk(disk, chance, []);
    if (changed.length === disk.length) disk = changed;
  }
  const own = chance.between(50_000, 400_000);
  disk.set(chance.text(own), chance.between(0, SYSTEM_BYTES - own));
  return disk;
}

// node lib/chain/simulation/main.ts --seed N [--count M]: plays M games from that seed on and prints the script of one that
// fails. Without a seed it takes a fresh one. Exit code 0: all held; 1: one broke a promise.
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { play } from "./play.ts";

const { values } = parseArgs({ options: { seed: { type: "string" }, count: { type: "string" } } });
const first = values.seed === undefined ? randomInt(2 ** 30) : Number(values.seed);
const count = Number(values.count ?? 1);
let failed = 0;
for (let seed = first; seed < first + count; seed += 1) {
  try {
    play(seed);
  } catch (error) {
    failed += 1;
    console.log(`Seed ${seed} failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
console.log(`${count} games from seed ${first}: ${failed} failed`);
if (failed > 0) process.exitCode = 1;

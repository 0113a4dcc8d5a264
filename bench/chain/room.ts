// An emulated classroom on one machine: a network namespace per PC, on a bridge, each port limited by tbf both ways: a
// full-duplex switch that is never the limit. Run it in a network and mount namespace of its own (bench/chain.ts does).
// Prints a RoomResult as JSON.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createCipheriv } from "node:crypto";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { sha256 } from "./file-store.ts";
import type { PcWish, RoomResult, RoomWish } from "./wish.ts";

const wish = JSON.parse(process.argv[2] ?? "") as RoomWish;
const SOURCE_HOST = "10.0.0.1";
/** Hundreds of processes share one memory. */
const SMALL = [
  "--max-semi-space-size=1",
  "--max-old-space-size=96",
  "--v8-pool-size=0",
  "--single-threaded-gc",
];
const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { stdio: ["ignore", "pipe", "inherit"] });
const hostOf = (index: number) => `10.0.${1 + Math.floor(index / 250)}.${(index % 250) + 1}`;
const nameOf = (index: number) => `pc-${String(index).padStart(3, "0")}`;

interface Pc {
  readonly index: number;
  readonly process: ChildProcess;
  readonly ready: Promise<void>;
  readonly done: Promise<number | null>;
  isLost: boolean;
}

/** Words with the coordinator take lines of their own. A queue that a packet leaves within 3 ms at full speed keeps it for more
 *  than a second here, and the words of sixty PCs would take a share of the source's line that they never take at full speed. */
const deskOf = (host: string) => host.replace(/^10\.0\./, "10.1.");

function makeDeskLine(name: string, host: string): void {
  run("ip", "link", "add", `d-${name}`, "type", "veth", "peer", "name", "eth1", "netns", name);
  run("ip", "link", "set", `d-${name}`, "master", "br1", "up");
  run("ip", "-n", name, "addr", "add", `${deskOf(host)}/16`, "dev", "eth1");
  run("ip", "-n", name, "link", "set", "eth1", "up");
}

function makePort(name: string, host: string): void {
  run("ip", "netns", "add", name);
  run("ip", "link", "add", `p-${name}`, "type", "veth", "peer", "name", "eth0", "netns", name);
  run("ip", "link", "set", `p-${name}`, "mtu", "9000", "master", "br0", "up");
  run("ip", "-n", name, "link", "set", "lo", "up");
  run("ip", "-n", name, "addr", "add", `${host}/16`, "dev", "eth0");
  // At a real classroom's speed network cards hand over many packets at once, and few are acknowledged one by one; on a line
  // as slow as this each pair is, and takes 2 % of the line the other way. Large packets put that right.
  run("ip", "-n", name, "link", "set", "eth0", "mtu", "9000", "up");
  // Deep queues: what a shallow one drops costs more than it would on a fast line, and says nothing about the chain.
  const limit = ["root", "tbf", "rate", `${wish.lineMbit}mbit`, "burst", "32kb", "latency", "1200ms"];
  run("tc", "-n", name, "qdisc", "add", "dev", "eth0", ...limit);
  run("tc", "qdisc", "add", "dev", `p-${name}`, ...limit);
}

async function makeDisks(): Promise<Buffer> {
  await mkdir(wish.folder, { recursive: true });
  const noise = (key: number) =>
    createCipheriv("aes-128-ctr", Buffer.alloc(16, key), Buffer.alloc(16)).update(
      Buffer.alloc(wish.imageBytes),
    );
  const [target, other] = [noise(1), noise(2)];
  const pages = wish.imageBytes / wish.pageBytes;
  const pageOf = (bytes: Buffer, page: number) =>
    bytes.subarray(page * wish.pageBytes, (page + 1) * wish.pageBytes);
  await writeFile(join(wish.folder, "target"), target);
  const hashes = Buffer.concat(Array.from({ length: pages }, (_, page) => sha256(pageOf(target, page))));
  await writeFile(join(wish.folder, "hashes"), hashes);
  for (const [index, share] of wish.lacking.entries()) {
    const disk = Buffer.from(target);
    // Each PC lacks other pages, spread evenly.
    for (let page = 0; page < pages; page += 1) {
      const place = (page * 7919 + index * 104_729) % pages;
      if (place < share * pages) pageOf(other, page).copy(disk, page * wish.pageBytes);
    }
    const file = await open(join(wish.folder, nameOf(index)), "w");
    await file.write(disk);
    await file.close();
  }
  return target;
}

function startPc(index: number): Pc {
  const told: PcWish = {
    nodeId: nameOf(index),
    host: hostOf(index),
    sourceHost: SOURCE_HOST,
    deskHost: deskOf(SOURCE_HOST),
    disk: join(wish.folder, nameOf(index)),
    hashes: join(wish.folder, "hashes"),
    pageBytes: wish.pageBytes,
    imageBytes: wish.imageBytes,
    diskRate: wish.diskRates[index] ?? null,
  };
  const program = join(import.meta.dirname, "pc.ts");
  const command = [process.execPath, ...SMALL, program, JSON.stringify(told)];
  const child = spawn("ip", ["netns", "exec", nameOf(index), ...command], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, UV_THREADPOOL_SIZE: "2" },
  });
  const ready = Promise.withResolvers<void>();
  const done = Promise.withResolvers<number | null>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line === "ready") ready.resolve();
    if (line === "done") done.resolve(performance.now());
  });
  child.once("exit", () => done.resolve(null));
  return { index, process: child, ready: ready.promise, done: done.promise, isLost: false };
}

function cpuTicks(): { busy: number; all: number } {
  const [line = ""] = execFileSync("head", ["-1", "/proc/stat"], { encoding: "utf8" }).split("\n");
  const ticks = line.split(/\s+/).slice(1).map(Number);
  const all = ticks.reduce((sum, count) => sum + count, 0);
  return { busy: all - (ticks[3] ?? 0) - (ticks[4] ?? 0), all };
}

async function retransmits(): Promise<number> {
  let sum = 0;
  for (const name of ["source", ...wish.lacking.map((_, index) => nameOf(index))]) {
    const text = run("ip", "netns", "exec", name, "cat", "/proc/net/snmp").toString();
    const [names, values] = text.split("\n").filter((line) => line.startsWith("Tcp:"));
    const at = names?.split(" ").indexOf("RetransSegs") ?? -1;
    sum += Number(values?.split(" ")[at] ?? 0);
  }
  return sum;
}

const ranks = new Map<string, number>();

async function trouble(pcs: readonly Pc[], lineSeconds: number): Promise<void> {
  if (wish.fault === null) return;
  await delay(1000 * lineSeconds * wish.fault.atShare);
  if (wish.fault.kind === "coordinator") source.stdin.write("restart\n");
  for (const pc of pcs) {
    if (!wish.fault.ranks.includes(ranks.get(nameOf(pc.index)) ?? -1)) continue;
    pc.isLost = true;
    if (wish.fault.kind === "kill") execFileSync("pkill", ["-KILL", "-f", `"nodeId":"${nameOf(pc.index)}"`]);
    else run("ip", "link", "set", `p-${nameOf(pc.index)}`, "down");
  }
}

run("mount", "-t", "tmpfs", "tmpfs", "/run");
await mkdir("/run/netns", { recursive: true });
run("ip", "link", "set", "lo", "up");
run("ip", "link", "add", "br0", "mtu", "9000", "type", "bridge");
run("ip", "link", "set", "br0", "up");
run("ip", "link", "add", "br1", "type", "bridge");
run("ip", "link", "set", "br1", "up");
const target = await makeDisks();
makePort("source", SOURCE_HOST);
makeDeskLine("source", SOURCE_HOST);
for (let index = 0; index < wish.pcCount; index += 1) {
  makePort(nameOf(index), hostOf(index));
  makeDeskLine(nameOf(index), hostOf(index));
}
function answer(result: RoomResult): never {
  console.log(JSON.stringify(result));
  process.exit(0);
}

const program = join(import.meta.dirname, "source.ts");
const source = spawn("ip", ["netns", "exec", "source", process.execPath, program, JSON.stringify(wish)], {
  stdio: ["pipe", "pipe", "inherit"],
});
let sourceBytes = 0;
const moves: string[] = [];
const sourceReady = Promise.withResolvers<void>();
const sourceEnded = Promise.withResolvers<void>();
createInterface({ input: source.stdout })
  .on("line", (line) => {
    const [word, name = "", rank] = line.split(" ");
    if (word === "ready") sourceReady.resolve();
    if (word === "rank") ranks.set(name, Number(rank));
    if (word === "move") moves.push(`${name} ${rank}`);
    if (word === "sent") sourceBytes = Number(name);
  })
  .on("close", () => sourceEnded.resolve());
await sourceReady.promise;
const pcs = Array.from({ length: wish.pcCount }, (_, index) => startPc(index));
await Promise.all(pcs.map(({ ready }) => ready));
const before = cpuTicks();
const began = performance.now();
for (const pc of pcs) pc.process.stdin?.write("go\n");
const troubled = trouble(pcs, (wish.imageBytes * 8) / (wish.lineMbit * 1e6));
const ended: (number | null)[] = [];
for (const pc of pcs)
  ended.push(await Promise.race([pc.done, troubled.then(() => (pc.isLost ? null : pc.done))]));
const after = cpuTicks();
const doneSeconds = ended.map((moment, index) =>
  moment === null || pcs[index]?.isLost ? null : (moment - began) / 1000,
);
let allRight = true;
for (const { index, isLost } of pcs) {
  if (!isLost && !(await readFile(join(wish.folder, nameOf(index)))).equals(target)) allRight = false;
}
const resent = await retransmits();
source.stdin.write("end\n");
await sourceEnded.promise;
answer({
  doneSeconds,
  seconds: Math.max(...doneSeconds.map((seconds) => seconds ?? 0)),
  cpuShare: (after.busy - before.busy) / (after.all - before.all),
  sourceBytes,
  retransmits: resent,
  moves,
  allRight,
});

// The emulated gateway: a source that has every page, and the coordinator. Prints what it sent when its stdin ends.
import { open } from "node:fs/promises";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { ChainNode } from "#lib/chain/chain-node.ts";
import { ChainConnection } from "#lib/chain/connection.ts";
import { Coordinator, type NodeReport } from "#lib/chain/coordinator.ts";
import { frameOf } from "./file-store.ts";
import { limitsFor } from "./scaled-limits.ts";
import { REPORT_PORT, type RoomWish, SOURCE_PORT } from "./wish.ts";

const wish = JSON.parse(process.argv[2] ?? "") as RoomWish;
const target = await open(`${wish.folder}/target`, "r");
const connections = new Map<number, ChainConnection>();
let sentBytes = 0;
let nextId = 1;

const node: ChainNode<Buffer> = new ChainNode<Buffer>({
  pageCount: wish.imageBytes / wish.pageBytes,
  limits: { ...limitsFor(wish.imageBytes, wish.pageBytes), readsMax: 16 },
  isSource: true,
  ports: {
    dial: () => 0,
    close: (id) => {
      connections.get(id)?.close();
      connections.delete(id);
    },
    ping: () => undefined,
    status: (id, starved) => connections.get(id)?.send({ kind: "status", starved }),
    welcome: (id) => connections.get(id)?.send({ kind: "welcome" }),
    refuse: (id, refusal) => connections.get(id)?.send({ kind: "refuse", refusal }),
    demand: () => undefined,
    page: (id, _page, frame) => {
      sentBytes += frame.length;
      connections.get(id)?.send({ kind: "page", frame });
    },
    write: () => undefined,
    read: (page) => void read(page),
    sizeOf: (frame) => frame.length,
  },
});
setInterval(() => node.tick(performance.now()), 250).unref();

async function read(page: number): Promise<void> {
  const bytes = Buffer.allocUnsafe(wish.pageBytes);
  await target.read(bytes, 0, bytes.length, page * wish.pageBytes);
  node.readDone(page, await frameOf(page, bytes));
}

createServer((socket) => {
  const id = nextId++;
  socket.setNoDelay(true);
  connections.set(
    id,
    new ChainConnection(socket, {
      message: (message) => {
        const now = performance.now();
        if (message.kind === "hello") node.childCame(id, message, now);
        else if (message.kind === "demand") node.demanded(id, message.ranges, now);
        else node.heard(id, now);
      },
      closed: () => {
        connections.delete(id);
        node.closed(id, performance.now());
      },
      taken: (size) => node.taken(id, size),
    }),
  );
}).listen(SOURCE_PORT);

const expected = Array.from({ length: wish.pcCount }, (_, index) => nameOf(index));
const newCoordinator = () =>
  new Coordinator({ expected, chains: wish.chains, source: { nodeId: "gateway", address: null } });
let coordinator = newCoordinator();
createServer((socket) => {
  socket.on("error", () => socket.destroy());
  createInterface({ input: socket })
    .on("line", (line) => {
      const { host, port, ...report } = JSON.parse(line) as NodeReport & { host: string; port: number };
      coordinator.hearSource(node.backlogs(), (wish.lineMbit * 1e6) / 8000, performance.now());
      const place = coordinator.report({ ...report, address: { host, port } }, performance.now());
      for (const { nodeId, why } of coordinator.takeMoves()) console.log(`move ${nodeId} ${why}`);
      if (place !== null) console.log(`rank ${report.nodeId} ${place.rank}`);
      socket.write(`${JSON.stringify({ place, failure: null })}\n`);
    })
    .on("error", () => undefined);
}).listen(REPORT_PORT, () => console.log("ready"));

createInterface({ input: process.stdin }).on("line", (word) => {
  if (word === "restart") {
    coordinator = newCoordinator();
    return;
  }
  console.log(`sent ${sentBytes}`);
  process.exit(0);
});

function nameOf(index: number): string {
  return `pc-${String(index).padStart(3, "0")}`;
}

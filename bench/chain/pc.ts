// One emulated PC: the product's ChainRun over a file. Says "ready", waits for "go" on stdin, says "done" when everything is on
// its disk, and ends when it is released.
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { ChainRun, type ChainServer } from "#agent/chain/chain-run.ts";
import type { ChainReportRequest, ChainReportResponse } from "#lib/protocol/control.ts";
import { FileStore } from "./file-store.ts";
import { limitsFor } from "./scaled-limits.ts";
import { CHAIN, type PcWish, REPORT_PORT, SOURCE_PORT } from "./wish.ts";

const wish = JSON.parse(process.argv[2] ?? "") as PcWish;

/** Reports and answers are lines of JSON, one after the other. */
class ReportLine {
  readonly #socket: Socket;
  readonly #waiting: ((answer: ChainReportResponse) => void)[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    createInterface({ input: socket }).on("line", (line) => this.#waiting.shift()?.(JSON.parse(line)));
  }

  report(report: ChainReportRequest): Promise<ChainReportResponse> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(`${JSON.stringify({ nodeId: wish.nodeId, ...report })}\n`);
    });
  }
}

const file = await open(wish.disk, "r+");
const store = new FileStore(file, await readFile(wish.hashes), wish.pageBytes, wish.diskRate);
const reports = connect(REPORT_PORT, wish.deskHost);
await once(reports, "connect");
const line = new ReportLine(reports);
const server: ChainServer = {
  localAddress: wish.host,
  connect: async () => {
    const socket = connect({ port: SOURCE_PORT, host: wish.sourceHost, noDelay: true });
    await once(socket, "connect");
    return socket;
  },
  report: (report) => line.report(report),
};
console.log("ready");
await once(process.stdin, "data");
process.stdin.pause();
const run = new ChainRun({
  offer: { ...CHAIN, nodeId: wish.nodeId },
  store,
  server,
  signal: new AbortController().signal,
  limits: limitsFor(wish.imageBytes, wish.pageBytes),
});
for (const [page, content] of await run.fill()) await store.write(page, content);
console.log("done");
await run.serve();
await run.close();
process.exit(0);

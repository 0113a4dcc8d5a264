// Between PCs nobody gets a byte in or out without the chain's key, in either direction.
import type { Duplex } from "node:stream";
import { afterEach, expect, test } from "vitest";
import { type ChainKey, dial, type Listener, listen } from "./lines.ts";

const KEY: ChainKey = { chainId: "chain_1", secret: "ab".repeat(32) };
const sockets: Duplex[] = [];
let listener: Listener | null = null;

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  listener?.close();
});

/** Whether each end took the other for one of the chain. */
async function meet(key: ChainKey): Promise<{ accepted: boolean; connected: boolean; said: string }> {
  const met = { accepted: false, connected: false, said: "" };
  listener = await listen(KEY, "127.0.0.1", (socket) => {
    met.accepted = true;
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      met.said += chunk.toString();
      socket.end("heard");
    });
  });
  const socket = dial(key, { host: "127.0.0.1", port: listener.port }, (line) => {
    met.connected = true;
    line.write("hello");
  });
  sockets.push(socket);
  socket.on("error", () => undefined);
  socket.resume();
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
  return met;
}

test("with the chain's key both ends talk", async () => {
  expect(await meet(KEY)).toEqual({ accepted: true, connected: true, said: "hello" });
});

test("with the key of another job neither end takes the other for one of its own", async () => {
  const met = await meet({ ...KEY, secret: "cd".repeat(32) });
  expect(met).toEqual({ accepted: false, connected: false, said: "" });
});

test("one that names another chain is not let in", async () => {
  expect(await meet({ ...KEY, chainId: "chain_2" })).toMatchObject({ accepted: false, said: "" });
});

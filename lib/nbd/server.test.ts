// The server against a client that speaks plain bytes: every option and request, every refusal, and hostile input.
// That real clients (nbdinfo, nbdcopy, QEMU, a mount) agree is in bin/repo/exchange.integration.test.ts.
import { stat } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { NbdDisk } from "./disk.ts";
import { NbdServer } from "./server.ts";
import { SocketBytes } from "./socket-bytes.ts";

const SIZE = 4 * 1024 * 1024;
const BAD_OFFSET = 3 * 1024 * 1024;
const CONTENT = Uint8Array.from({ length: SIZE }, (_, index) => (index < SIZE / 2 ? (index * 31) >> 3 : 0));
const OPTION_REPLY_MAGIC = 0x0003e889045565a9n;

const disk: NbdDisk = {
  name: "snap_1:sda1",
  description: "pc01 sda1",
  sizeBytes: SIZE,
  read: async (offset, into) => {
    if (offset <= BAD_OFFSET && offset + into.length > BAD_OFFSET) throw new Error("bad page");
    into.set(CONTENT.subarray(offset, offset + into.length));
  },
  zeroRuns: async (offset, length, runsMax) => {
    const data = Math.max(0, Math.min(length, SIZE / 2 - offset));
    const runs = [
      { lengthBytes: data, zero: false },
      { lengthBytes: length - data, zero: true },
    ];
    return runs.filter(({ lengthBytes }) => lengthBytes > 0).slice(0, runsMax);
  },
};

let server: NbdServer;
let readErrors: unknown[] = [];
let clients: Client[] = [];

beforeEach(async () => {
  readErrors = [];
  clients = [];
  const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const onReadError = (error: unknown) => void readErrors.push(error);
  server = await NbdServer.listen(disk, address, { onReadError, clientsMax: 4, negotiationMsMax: 2000 });
});
afterEach(async () => {
  for (const client of clients) client.socket.destroy();
  await server.close();
});

class Client {
  readonly socket: Socket;
  readonly #bytes: SocketBytes;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => undefined); // Seen as an end by whoever reads.
    this.#bytes = new SocketBytes(socket);
  }

  async take(count: number): Promise<Buffer> {
    const bytes = await this.#bytes.read(count);
    if (bytes === null) throw new Error("The server hung up.");
    return bytes;
  }

  async isHungUp(): Promise<boolean> {
    return (await this.#bytes.read(1)) === null;
  }

  send(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  option(option: number, data: Uint8Array = Buffer.alloc(0), claimed = data.length): void {
    this.send(Buffer.from("IHAVEOPT"), u32(option), u32(claimed), data);
  }

  async optionReply() {
    const head = await this.take(20);
    expect(head.readBigUInt64BE(0)).toBe(OPTION_REPLY_MAGIC);
    const data = await this.take(head.readUInt32BE(16));
    return { option: head.readUInt32BE(8), type: head.readUInt32BE(12), data };
  }

  /** Replies to one option, the last being its acknowledgement or error. */
  async optionReplies() {
    const replies = [await this.optionReply()];
    while (![1, 0x80000001, 0x80000003, 0x80000006, 0x80000009].includes(replies.at(-1)?.type ?? 0))
      replies.push(await this.optionReply());
    return replies;
  }

  request(type: number, cookie: bigint, offset: bigint | number, length: number, flags = 0): void {
    this.send(u32(0x25609513), u16(flags), u16(type), u64(cookie), u64(BigInt(offset)), u32(length));
  }

  async simpleReply() {
    const head = await this.take(16);
    expect(head.readUInt32BE(0)).toBe(0x67446698);
    return { error: head.readUInt32BE(4), cookie: head.readBigUInt64BE(8) };
  }

  async chunk() {
    const head = await this.take(20);
    expect(head.readUInt32BE(0)).toBe(0x668e33ef);
    const data = await this.take(head.readUInt32BE(16));
    return {
      done: head.readUInt16BE(4) === 1,
      type: head.readUInt16BE(6),
      cookie: head.readBigUInt64BE(8),
      data,
    };
  }
}

async function connected(flags = 3): Promise<Client> {
  const socket = connect({ host: "127.0.0.1", port: server.port ?? 0 });
  const client = new Client(socket);
  clients.push(client);
  const greeting = await client.take(18);
  expect(greeting.toString("latin1", 0, 16)).toBe("NBDMAGICIHAVEOPT");
  client.send(u32(flags));
  return client;
}

async function opened(options: { structured?: boolean; allocation?: boolean } = {}): Promise<Client> {
  const client = await connected();
  if (options.structured) {
    client.option(8);
    expect((await client.optionReplies()).at(-1)?.type).toBe(1);
  }
  if (options.allocation) {
    client.option(10, Buffer.concat([text(""), u32(1), text("base:allocation")]));
    expect((await client.optionReplies()).map(({ type }) => type)).toEqual([4, 1]);
  }
  client.option(7, Buffer.concat([text(""), u16(0)]));
  expect((await client.optionReplies()).at(-1)?.type).toBe(1);
  return client;
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
function text(value: string): Buffer {
  return Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(value)]);
}

test("LIST, INFO and GO tell name, size, read-only and block sizes; an unknown name is refused", async () => {
  const client = await connected();
  client.option(3);
  const listed = await client.optionReplies();
  expect(listed.map(({ type }) => type)).toEqual([2, 1]);
  expect(listed[0]?.data.toString("utf8", 4)).toBe("snap_1:sda1");
  client.option(6, Buffer.concat([text("snap_1:sda1"), u16(2), u16(1), u16(2)]));
  const told = await client.optionReplies();
  expect(told.map(({ data }) => data.subarray(0, 2).toString("hex"))).toEqual([
    "0000",
    "0003",
    "0001",
    "0002",
    "",
  ]);
  expect(told[0]?.data.readBigUInt64BE(2)).toBe(BigInt(SIZE));
  expect((told[0]?.data.readUInt16BE(10) ?? 0) & 3).toBe(3);
  expect(told[3]?.data.toString("utf8", 2)).toBe("pc01 sda1");
  client.option(7, Buffer.concat([text("other"), u16(0)]));
  expect(await client.optionReplies()).toMatchObject([{ type: 0x80000006 }]);
  client.option(2);
  expect(await client.optionReplies()).toMatchObject([{ option: 2, type: 1 }]);
  expect(await client.isHungUp()).toBe(true);
});

test("EXPORT_NAME opens with and without the 124 zeroes; a wrong name is hung up on", async () => {
  for (const [flags, zeroes] of [
    [1, 124],
    [3, 0],
  ] as const) {
    const client = await connected(flags);
    client.option(1, Buffer.from(""));
    expect((await client.take(10 + zeroes)).readBigUInt64BE(0)).toBe(BigInt(SIZE));
    client.request(0, 7n, 100, 50);
    expect(await client.simpleReply()).toEqual({ error: 0, cookie: 7n });
    expect(Buffer.compare(await client.take(50), CONTENT.subarray(100, 150))).toBe(0);
  }
  const wrong = await connected();
  wrong.option(1, Buffer.from("other"));
  expect(await wrong.isHungUp()).toBe(true);
});

test("many reads under way each get their own bytes and cookie", async () => {
  const client = await opened();
  for (let index = 0; index < 300; index++) client.request(0, BigInt(index), index * 1000, 700);
  const seen = new Set<bigint>();
  for (let count = 0; count < 300; count++) {
    const { error, cookie } = await client.simpleReply();
    const offset = Number(cookie) * 1000;
    expect(error).toBe(0);
    expect(Buffer.compare(await client.take(700), CONTENT.subarray(offset, offset + 700))).toBe(0);
    seen.add(cookie);
  }
  expect(seen.size).toBe(300);
});

test("writing, trimming and zeroing are not permitted, and the next request is understood", async () => {
  for (const structured of [false, true]) {
    const client = await opened({ structured });
    for (const type of [1, 4, 6]) {
      client.request(type, 5n, 0, 100_000);
      if (type === 1) client.send(Buffer.alloc(100_000, 0x25));
      if (structured) {
        const { type: kind, data } = await client.chunk();
        expect({ kind, error: data.readUInt32BE(0) }).toEqual({ kind: 32769, error: 1 });
      } else expect(await client.simpleReply()).toEqual({ error: 1, cookie: 5n });
    }
    client.request(3, 6n, 0, 0);
    expect(structured ? await client.chunk() : await client.simpleReply()).toMatchObject({ cookie: 6n });
  }
});

test("reads of nothing, behind the end, far too large or of an unknown kind are invalid", async () => {
  const client = await opened();
  const wrong: [number, bigint | number, number][] = [
    [0, 0, 0],
    [0, SIZE - 1, 2],
    [0, 2n ** 64n - 1n, 10],
    [0, 0, 2 ** 32 - 1],
    [7, 0, 10],
    [99, 0, 10],
  ];
  for (const [type, offset, length] of wrong) {
    client.request(type, 1n, offset, length);
    expect(await client.simpleReply()).toEqual({ error: 22, cookie: 1n });
  }
});

test("a page that cannot be read is EIO for the client and a reason for the operator; others go on", async () => {
  const client = await opened();
  client.request(0, 1n, BAD_OFFSET, 10);
  expect(await client.simpleReply()).toEqual({ error: 5, cookie: 1n });
  expect(readErrors).toEqual([new Error("bad page")]);
  client.request(0, 2n, 0, 10);
  expect(await client.simpleReply()).toEqual({ error: 0, cookie: 2n });
});

test("structured replies send zeros as holes, whole when asked not to fragment", async () => {
  const client = await opened({ structured: true });
  const offset = SIZE / 2 - 100_000;
  client.request(0, 1n, offset, 200_000);
  const data = await client.chunk();
  expect(data).toMatchObject({ done: false, type: 1, cookie: 1n });
  expect(data.data.readBigUInt64BE(0)).toBe(BigInt(offset));
  expect(Buffer.compare(data.data.subarray(8), CONTENT.subarray(offset, SIZE / 2))).toBe(0);
  const hole = await client.chunk();
  expect(hole).toMatchObject({ done: true, type: 2 });
  expect([hole.data.readBigUInt64BE(0), hole.data.readUInt32BE(8)]).toEqual([BigInt(SIZE / 2), 100_000]);
  client.request(0, 2n, offset, 200_000, 4);
  const whole = await client.chunk();
  expect(whole).toMatchObject({ done: true, type: 1 });
  expect(Buffer.compare(whole.data.subarray(8), CONTENT.subarray(offset, offset + 200_000))).toBe(0);
});

test("BLOCK_STATUS tells data from zeros, one run when only one is wanted, and only who chose it", async () => {
  const client = await opened({ structured: true, allocation: true });
  client.request(7, 1n, SIZE / 2 - 512, 1024);
  const runs = (await client.chunk()).data;
  expect([0, 4, 8, 12, 16].map((at) => runs.readUInt32BE(at))).toEqual([1, 512, 0, 512, 3]);
  client.request(7, 2n, SIZE / 2 - 512, 1024, 8);
  expect((await client.chunk()).data.length).toBe(12);
  const without = await opened({ structured: true });
  without.request(7, 3n, 0, 1024);
  expect(await without.chunk()).toMatchObject({ type: 32769 });
});

test("options whose lengths lie, that are too large, or that nobody knows are answered by name", async () => {
  const client = await connected();
  const cases: [number, Uint8Array, number][] = [
    [7, Buffer.concat([u32(4000), Buffer.from("short")]), 0x80000003],
    [7, Buffer.concat([text(""), u16(9)]), 0x80000003],
    [10, Buffer.concat([text(""), u32(2 ** 32 - 1)]), 0x80000003],
    [10, Buffer.concat([text(""), u32(0)]), 0x80000003],
    [3, Buffer.from("x"), 0x80000003],
    [8, Buffer.from("x"), 0x80000003],
    [5, Buffer.alloc(0), 0x80000001],
    [11, Buffer.alloc(0), 0x80000001],
    [4_000_000_000, Buffer.alloc(9), 0x80000001],
    [6, Buffer.alloc(70_000), 0x80000009],
  ];
  for (const [option, data, type] of cases) {
    client.option(option, data);
    expect(await client.optionReplies()).toMatchObject([{ option, type }]);
  }
});

const hangUps: [string, (client: Client) => void, number?][] = [
  ["flags nobody knows", () => undefined, 255],
  ["an option without its magic", (client) => client.send(Buffer.alloc(64, 0x41))],
  ["an option of 4 GiB", (client) => client.option(7, Buffer.alloc(0), 2 ** 32 - 1)],
  ["options without end", (client) => Array.from({ length: 200 }, () => client.option(3))],
];
for (const [name, misbehave, flags] of hangUps) {
  test(`${name}: the client is hung up on, others are served`, async () => {
    const client = await connected(flags);
    misbehave(client);
    while (!(await client.isHungUp()));
    const other = await opened();
    other.request(0, 1n, 0, 10);
    expect(await other.simpleReply()).toEqual({ error: 0, cookie: 1n });
  });
}

test("a client that says nothing is let go after the time for negotiation; the served are not", async () => {
  const busy = await opened();
  const silent = await connected();
  expect(await silent.isHungUp()).toBe(true);
  busy.request(0, 1n, 0, 10);
  expect(await busy.simpleReply()).toEqual({ error: 0, cookie: 1n });
});

test("garbage instead of requests ends the connection; random bytes never end the server", async () => {
  let state = 42;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  };
  for (let round = 0; round < 60; round++) {
    const client = round % 2 === 0 ? await opened() : await connected();
    client.send(Buffer.from(Array.from({ length: 200 }, random)));
    client.socket.end();
    while (!(await client.isHungUp()));
  }
  const client = await opened();
  client.request(0, 1n, 0, 10);
  expect(await client.simpleReply()).toEqual({ error: 0, cookie: 1n });
  expect(readErrors).toEqual([]);
});

test("a client that fetches no replies delays nobody, and close() ends it", async () => {
  const stuck = await opened();
  stuck.socket.pause();
  for (let index = 0; index < 400; index++) stuck.request(0, BigInt(index), 0, SIZE / 2);
  const other = await opened();
  for (let index = 0; index < 20; index++) {
    other.request(0, BigInt(index), 0, 4096);
    expect((await other.simpleReply()).error).toBe(0);
    await other.take(4096);
  }
  await server.close();
  expect(await other.isHungUp()).toBe(true);
});

test("a unix socket is for this user alone, is refused where something is, and is gone after close()", async () => {
  const path = join(tmpdir(), `sheepfold-nbd-${process.pid}.sock`);
  const listen = () => NbdServer.listen(disk, { kind: "unix", path }, { onReadError: () => undefined });
  const first = await listen();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await expect(listen()).rejects.toMatchObject({ code: "input-invalid" });
  await first.close();
  await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
});

// Strangers at the gateway's port: wrong certificates, other nodes' leases, bodies that lie. Each is refused with a code, and
// the gateway goes on serving.
import { once } from "node:events";
import tls from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { runAgent } from "#agent/agent.ts";
import { GatewayClient } from "#agent/gateway-client.ts";
import { type AgentIdentity, loadOrCreateIdentity } from "#agent/identity.ts";
import { makeTestDisk, noise } from "#agent/test-disk.ts";
import { CodedError } from "#lib/model/errors.ts";
import { hashPage, PAGE_BYTES } from "#lib/page/page.ts";
import {
  EnrolResponse,
  HelloResponse,
  LeaseResponse,
  OfferResponse,
  PROTOCOL_VERSION,
  ResultResponse,
  type TaskMessage,
} from "#lib/protocol/control.ts";
import { encodePage, imageTag } from "#lib/protocol/frames.ts";
import { TestWorld } from "./test-world.ts";

const MIB = 1024 * 1024;
const DISKS = [
  {
    serial: "S1",
    model: "test",
    sizeBytes: 4 * MIB,
    sectorSize: 512,
    partitions: [{ name: "p1", label: "", typeName: "", offsetBytes: 0, sizeBytes: 4 * MIB }],
  },
];

let world: TestWorld;
const clients: GatewayClient[] = [];

beforeEach(async () => {
  world = await TestWorld.create(runAgent);
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await world.close();
});

function clientOf(identity: AgentIdentity, fingerprint = world.certificate.fingerprint): GatewayClient {
  const client = new GatewayClient({ host: "127.0.0.1", port: world.gateway.port, fingerprint }, identity);
  clients.push(client);
  return client;
}

/** A hand-driven agent that is enrolled and has said hello. */
async function enrolled(name: string): Promise<{ client: GatewayClient; nodeId: string }> {
  const identity = await loadOrCreateIdentity(`${world.folder}/${name}`);
  const client = clientOf(identity);
  const hints = {
    protocolVersion: PROTOCOL_VERSION,
    agentVersion: "test",
    proposedName: name,
    code: identity.code,
  };
  await client.call("enrol", { ...hints, enrolmentKey: world.store.enrolmentKey }, EnrolResponse);
  const hello = { protocolVersion: PROTOCOL_VERSION, agentVersion: "test", disks: DISKS };
  const { nodeId } = await client.call("hello", hello, HelloResponse);
  return { client, nodeId };
}

async function leased(client: GatewayClient, nodeId: string): Promise<TaskMessage> {
  world.store.addTask(nodeId, "archive");
  const { task } = await client.call("lease", { waitMs: 5_000 }, LeaseResponse);
  if (task === null) throw new Error("no task was leased");
  return task;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof CodedError) return thrown.code;
    throw thrown;
  }
  return "accepted";
}

test("an agent sends nothing to a gateway whose certificate is not the pinned one", async () => {
  const disk = await makeTestDisk(`${world.folder}/pc.img`);
  const agent = world.startAgent("pc", disk, { fingerprint: `sha256:${"0".repeat(64)}` });
  await expect.poll(() => agent.lines.join("\n")).toContain("not the pinned");
  expect(world.store.nodes.size).toBe(0);
});

test("a visitor without a certificate is told that the port is for agents", async () => {
  const socket = tls.connect({ host: "127.0.0.1", port: world.gateway.port, rejectUnauthorized: false });
  socket.end("POST /agent/v1/lease HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "close");
  const text = Buffer.concat(chunks).toString();
  expect(text).toMatch(/^HTTP\/1\.1 403/);
  expect(text).toContain("not-permitted");
});

test("a key that is not approved may neither say hello nor lease", async () => {
  const client = clientOf(await loadOrCreateIdentity(`${world.folder}/stranger`));
  const hello = { protocolVersion: PROTOCOL_VERSION, agentVersion: "test", disks: DISKS };
  expect(await codeOf(client.call("hello", hello, HelloResponse))).toBe("enrolment-pending");
  expect(await codeOf(client.call("lease", { waitMs: 0 }, LeaseResponse))).toBe("enrolment-pending");
});

test("a wrong enrolment key leaves a PC pending, and the code must be the key's own", async () => {
  const identity = await loadOrCreateIdentity(`${world.folder}/stranger`);
  const client = clientOf(identity);
  const message = {
    protocolVersion: PROTOCOL_VERSION,
    agentVersion: "test",
    proposedName: "pc",
    enrolmentKey: "guess",
  };
  const answer = await client.call("enrol", { ...message, code: identity.code }, EnrolResponse);
  expect(answer).toEqual({ state: "pending", nodeId: null, name: null });
  expect(await codeOf(client.call("enrol", { ...message, code: "AAAA-AAAA" }, EnrolResponse))).toBe(
    "protocol-violation",
  );
});

test("another node's lease is worth nothing, and neither is an old one", async () => {
  const owner = await enrolled("owner");
  const thief = await enrolled("thief");
  const task = await leased(owner.client, owner.nodeId);
  const route = `tasks/${task.taskId}/images/0/offer?first=0`;
  const hashes = hashPage(new Uint8Array(PAGE_BYTES));
  const offer = (client: GatewayClient, leaseId?: string) =>
    codeOf(client.send(route, hashes, OfferResponse, { leaseId }));
  expect(await offer(thief.client, task.leaseId)).toBe("agent-lost");
  expect(await offer(owner.client, "token_of_yesterday")).toBe("agent-lost");
  expect(await offer(owner.client)).toBe("agent-lost");
  expect(await offer(owner.client, task.leaseId)).toBe("accepted");
  const result = { outcome: "cancelled" };
  const steal = thief.client.call(`tasks/${task.taskId}/result`, result, ResultResponse, {
    leaseId: task.leaseId,
  });
  expect(await codeOf(steal)).toBe("agent-lost");
});

test("bodies that lie are refused and leave the task usable", async () => {
  const { client, nodeId } = await enrolled("pc");
  const task = await leased(client, nodeId);
  const options = { leaseId: task.leaseId };
  const image = `tasks/${task.taskId}/images/0`;
  const page = noise(1, PAGE_BYTES);
  const header = {
    imageTag: imageTag(task.snapshotId, "S1", "p1"),
    pageIndex: 0,
    lengthBytes: page.length,
    contentHash: hashPage(page),
  };
  const send = (route: string, body: Uint8Array) =>
    codeOf(client.send(`${image}/${route}`, body, z.object({}), options));
  expect(await send("offer?first=0", new Uint8Array(31))).toBe("protocol-violation");
  expect(await send("offer?first=0", new Uint8Array(0))).toBe("protocol-violation");
  expect(await send("offer?first=0", new Uint8Array(32 * 65))).toBe("protocol-violation");
  expect(await send("offer?first=9999", new Uint8Array(32))).toBe("protocol-violation");
  expect(await send("offer?first=-1", new Uint8Array(32))).toBe("protocol-violation");
  expect(await send("pages", noise(2, 8 * MIB))).toBe("protocol-violation");
  // A page nobody offered.
  expect(await send("pages", await encodePage(header, page))).toBe("protocol-violation");
  expect(await send("offer?first=0", header.contentHash)).toBe("accepted");
  // Another image's page, a page beyond the end, a page of another length, another page under the offered hash.
  const foreign = { ...header, imageTag: imageTag(task.snapshotId, "S2", "p1") };
  expect(await send("pages", await encodePage(foreign, page))).toBe("protocol-violation");
  expect(await send("pages", await encodePage({ ...header, pageIndex: 999 }, page))).toBe(
    "protocol-violation",
  );
  const short = { ...header, lengthBytes: 100 };
  expect(await send("pages", await encodePage(short, page.subarray(0, 100)))).toBe("protocol-violation");
  expect(await send("pages", await encodePage(header, noise(3, PAGE_BYTES)))).toBe("page-hash-mismatch");
  expect(await send("pages", (await encodePage(header, page)).subarray(0, 200))).toBe("protocol-violation");
  expect(await send("finish", Buffer.from("{}"))).toBe("protocol-violation");
  expect(await send("pages", await encodePage(header, page))).toBe("accepted");
});

test("an archive's task may not read, and its routes know only their own images", async () => {
  const { client, nodeId } = await enrolled("pc");
  const task = await leased(client, nodeId);
  const options = { leaseId: task.leaseId };
  const send = (route: string) =>
    codeOf(client.send(`tasks/${task.taskId}/${route}`, new Uint8Array(32), z.object({}), options));
  expect(await send("images/0/differ?first=0")).toBe("protocol-violation");
  expect(await send("images/7/offer?first=0")).toBe("protocol-violation");
  expect(await send("images/x/offer?first=0")).toBe("protocol-violation");
  expect(await send("../../../etc/passwd")).toBe("protocol-violation");
});

test("JSON that is none, too long, of a wrong shape or a newer protocol is refused", async () => {
  const { client } = await enrolled("pc");
  const send = (route: string, body: string) => codeOf(client.send(route, Buffer.from(body), z.object({})));
  expect(await send("hello", "{")).toBe("protocol-violation");
  expect(await send("hello", "[]")).toBe("protocol-violation");
  expect(await send("hello", JSON.stringify({ padding: "x".repeat(2 * MIB) }))).toBe("protocol-violation");
  expect(await send("hello", JSON.stringify({ protocolVersion: 2, agentVersion: "9", disks: [] }))).toBe(
    "protocol-violation",
  );
  const twice = { protocolVersion: 1, agentVersion: "1", disks: [...DISKS, ...DISKS] };
  expect(await send("hello", JSON.stringify(twice))).toBe("protocol-violation");
  expect(await send("nonsense", "{}")).toBe("protocol-violation");
});

test("a result that claims what was not done fails the task instead of making a snapshot", async () => {
  const { client, nodeId } = await enrolled("pc");
  const task = await leased(client, nodeId);
  const lie = {
    outcome: "succeeded",
    images: [{ image: 0, contentRoot: "0".repeat(64), readBytes: 1, differingBytes: 0, writtenBytes: 0 }],
  };
  await client.call(`tasks/${task.taskId}/result`, lie, ResultResponse, { leaseId: task.leaseId });
  expect(world.store.tasks.get(task.taskId)).toMatchObject({ state: "failed" });
  expect(world.repository.snapshots()).toHaveLength(0);
});

test("a long poll wakes at once when a task becomes ready", async () => {
  const { client, nodeId } = await enrolled("pc");
  const begun = Date.now();
  const polling = client.call("lease", { waitMs: 20_000 }, LeaseResponse);
  setTimeout(() => world.store.addTask(nodeId, "archive"), 100);
  expect((await polling).task?.kind).toBe("archive");
  expect(Date.now() - begun).toBeLessThan(1_900); // The fallback look would come at two seconds.
});

test("a stranger with ever new keys is turned away; keys that are known, waiting or refused, still get their answer", async () => {
  const enrolAs = async (name: string) => {
    const identity = await loadOrCreateIdentity(`${world.folder}/${name}`);
    const client = clientOf(identity);
    const message = {
      protocolVersion: PROTOCOL_VERSION,
      agentVersion: "test",
      proposedName: name,
      code: identity.code,
    };
    return () => client.call("enrol", message, EnrolResponse);
  };
  const [waiting, refused] = [await enrolAs("waiting"), await enrolAs("refused")];
  expect((await waiting()).state).toBe("pending");
  expect((await refused()).state).toBe("pending");
  const row = [...world.store.nodes.values()].find((node) => node.name === "refused");
  if (row === undefined) throw new Error("the refused PC has no row");
  row.lifeCycle = "refused";
  for (let took = true; took; ) took = world.newKeys.take("127.0.0.1");
  const countBefore = world.store.nodes.size;
  expect(await codeOf((await enrolAs("flood"))())).toBe("enrolment-too-many");
  expect(world.store.nodes.size).toBe(countBefore);
  expect((await waiting()).state).toBe("pending");
  expect((await refused()).state).toBe("refused");
});

// A PC comes in: enrol until a person (or an enrolment key) approves its key, then hello with its disks. Until then nothing
// else is answered to that key.
import { CodedError } from "#lib/model/errors.ts";
import { DISK_LAYOUT } from "#lib/model/node.ts";
import { SHEEPFOLD_VERSION } from "#lib/model/version.ts";
import { enrolmentCodeOf } from "#lib/protocol/certificate.ts";
import {
  EnrolRequest,
  type EnrolResponse,
  HelloRequest,
  type HelloResponse,
  PROTOCOL_VERSION,
} from "#lib/protocol/control.ts";
import type { GatewayContext } from "../context.ts";
import type { Exchange } from "../exchange.ts";
import { answer, readJson } from "../http.ts";
import type { GatewayNode } from "../store.ts";

export async function enrolRoute(context: GatewayContext, exchange: Exchange): Promise<void> {
  const message = await readJson(exchange.request, EnrolRequest);
  requireProtocol(message.protocolVersion);
  // The inbox shows the code we derive from the key; what the agent says it shows is only checked.
  const code = enrolmentCodeOf(exchange.keyHash);
  if (message.code !== code) {
    throw new CodedError(
      "protocol-violation",
      "The enrolment code does not belong to the certificate's key.",
      {
        hint: "Update the agent.",
      },
    );
  }
  await admitNewKey(context, exchange);
  const node = await context.store.enrolNode({ ...message, code, keyHash: exchange.keyHash });
  const state = stateOf(node.lifeCycle);
  if (state === "enrolled") context.log.info(`${node.name} is enrolled.`, { nodeId: node.nodeId });
  const known =
    state === "enrolled" ? { nodeId: node.nodeId, name: node.name } : { nodeId: null, name: null };
  answer(exchange.response, { state, ...known } satisfies EnrolResponse);
}

/** A key we know asks as often as it likes; new ones are counted by the address they come from. */
async function admitNewKey({ store, newKeys, log }: GatewayContext, exchange: Exchange): Promise<void> {
  if ((await store.findNodeByKeyHash(exchange.keyHash)) !== null) return;
  const address = exchange.request.socket.remoteAddress ?? "unknown";
  if (newKeys.take(address)) return;
  log.warn("An address sends too many unknown keys; they are turned away for now.", { address });
  throw new CodedError("enrolment-too-many", "Too many new PCs asked to be let in from this address.", {
    hint: "Wait some minutes: the agent asks again by itself.",
    retry: "later",
  });
}

export async function helloRoute(context: GatewayContext, exchange: Exchange): Promise<void> {
  const message = await readJson(exchange.request, HelloRequest);
  requireProtocol(message.protocolVersion);
  requireDistinct(message.disks);
  const node = await enrolledNode(context, exchange);
  await releaseLeftover(context, node);
  await context.store.recordHello(node.id, { agentVersion: message.agentVersion, disks: message.disks });
  answer(exchange.response, {
    nodeId: node.id,
    name: node.name,
    serverVersion: SHEEPFOLD_VERSION,
  } satisfies HelloResponse);
}

/** The node of the key that asks. */
export async function enrolledNode(context: GatewayContext, { keyHash }: Exchange): Promise<GatewayNode> {
  const node = await context.store.findNodeByKeyHash(keyHash);
  if (node?.lifeCycle === "enrolled") return node;
  if (node === null || node.lifeCycle === "pending") {
    throw new CodedError("enrolment-pending", "This PC waits for approval.", {
      hint: "Approve it in the enrolment inbox; compare the code on its screen.",
    });
  }
  throw new CodedError("enrolment-refused", `This PC is ${node.lifeCycle}.`, {
    hint: "Approve it in the enrolment inbox if it shall be managed.",
  });
}

/** An idle agent asks: whatever it ran before, it runs no more. Its task is ready again at once instead of after silence. */
export async function releaseLeftover(context: GatewayContext, node: GatewayNode): Promise<void> {
  const running = await context.store.runningTaskOfNode(node.id);
  if (running === null) return;
  context.leases.end(running.taskId);
  await context.store.loseAgent(running.taskId, running.leaseId);
  context.log.warn(`${node.name} came back without the task it was running.`, { taskId: running.taskId });
}

function stateOf(lifeCycle: GatewayNode["lifeCycle"]): EnrolResponse["state"] {
  if (lifeCycle === "pending" || lifeCycle === "enrolled") return lifeCycle;
  return "refused";
}

function requireProtocol(version: number): void {
  if (version === PROTOCOL_VERSION) return;
  throw new CodedError(
    "protocol-violation",
    `The agent speaks protocol ${version}; this server speaks ${PROTOCOL_VERSION}.`,
    { hint: "Update the older of the two." },
  );
}

/** Rows are found by disk serial and partition name, so a node may name each only once. */
function requireDistinct(disks: HelloRequest["disks"]): void {
  const names = disks.flatMap((disk) => [
    disk.serial,
    ...disk.partitions.map((partition) => JSON.stringify([disk.serial, partition.name])),
  ]);
  const wrongName = disks.some((disk) =>
    disk.partitions.some(({ name }) => name !== DISK_LAYOUT && !/^p\d{1,4}$/.test(name)),
  );
  if (new Set(names).size === names.length && !wrongName) return;
  throw new CodedError(
    "protocol-violation",
    "The node names a disk or partition twice, or not as p1, p2, ….",
    {
      hint: "Two disks with the same serial number cannot be told apart: name one with --disk.",
    },
  );
}

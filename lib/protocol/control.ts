// The control messages between an agent and the gateway: JSON over HTTPS, one TLS port. docs/agent-protocol.md tells the story;
// this file is the law. The agent may be older than the server, so messages only ever gain optional fields, and unknown
// fields are ignored. Both ends parse what they receive; strings and lists are bounded, since a node's words are hostile.
import { z } from "zod";
import { FAILURE_CODES } from "#lib/model/errors.ts";
import { TASK_STEPS } from "#lib/model/job.ts";
import { RECIPES_MAX, RecipeMessage, RecipeResult } from "./recipe.ts";

export const PROTOCOL_VERSION = 1;
/** The agent's long poll for a task, and so the longest silence of a healthy idle agent. */
export const LEASE_WAIT_MS_MAX = 20_000;
/** A running task is heard from at least this often; after `TASK_LOST_AFTER_MS` of silence its lease is lost. */
export const HEARTBEAT_MS = 2_000;
export const TASK_LOST_AFTER_MS = 15_000;
/** Pages per offer or comparison request: 64 pages, 16 MiB of partition. */
export const PAGES_PER_REQUEST = 64;
/** Names the lease a task's request speaks for; a request with an older lease is refused. */
export const LEASE_HEADER = "x-sheepfold-lease";
/** GET /agent/v1/tasks/{taskId}/chain with this in the header Upgrade: the chain's own messages from then on. */
export const CHAIN_UPGRADE = "sheepfold-chain";
/** Where all routes of this protocol live. */
export const ROUTE_PREFIX = "/agent/v1";

const bytes = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const shortText = z.string().max(128);
/** A tool's or a disk's words may hold NUL, which the server's rows cannot; a result refused for it would be repeated for ever. */
const words = z
  .string()
  .max(2000)
  .transform((text) => text.replaceAll("\0", ""));
const hexHash = z.string().regex(/^[0-9a-f]{64}$/);

export const PartitionMessage = z.object({
  name: z.string().min(1).max(64),
  label: shortText,
  typeName: shortText,
  offsetBytes: bytes,
  sizeBytes: bytes,
});

export const DiskMessage = z.object({
  serial: z.string().min(1).max(128),
  model: shortText,
  sizeBytes: bytes,
  sectorSize: z.number().int().min(512).max(65536),
  partitions: z.array(PartitionMessage).max(256),
});

/** POST /agent/v1/enrol. The key is the client certificate's; the rest are hints. Repeated until approved. */
export const EnrolRequest = z.object({
  protocolVersion: z.number().int(),
  agentVersion: shortText,
  /** What the PC would like to be called; the approving person may choose otherwise. */
  proposedName: z.string().max(64),
  /** Shown on the PC's screen. */
  code: z.string().min(4).max(16),
  macAddress: shortText.optional(),
  serialNumber: shortText.optional(),
  enrolmentKey: z.string().max(256).optional(),
});
export const EnrolResponse = z.object({
  state: z.enum(["pending", "enrolled", "refused"]),
  nodeId: z.string().nullable(),
  name: z.string().nullable(),
});

/** POST /agent/v1/hello, at start and whenever the disks change. */
export const HelloRequest = z.object({
  protocolVersion: z.number().int(),
  agentVersion: shortText,
  disks: z.array(DiskMessage).max(16),
});
export const HelloResponse = z.object({ nodeId: z.string(), name: z.string(), serverVersion: shortText });

/** POST /agent/v1/lease: long poll. `task` is null when there is nothing to do yet. */
export const LeaseRequest = z.object({ waitMs: z.number().int().min(0).max(LEASE_WAIT_MS_MAX) });

/** One partition (or "disk-layout") a task is about. `image` is the number later requests name it by. */
export const ArchiveImage = z.object({
  image: z.number().int().nonnegative(),
  diskSerial: shortText,
  partition: z.string(),
  sizeBytes: bytes,
});
export const RestoreImage = ArchiveImage.extend({
  contentRoot: hexHash,
  /** For "disk-layout" only: how many of its bytes lie at the disk's start; the rest lies at its end. The agent cannot
   *  know it by itself when the disk's present partition table is damaged. */
  layoutHeadBytes: bytes.optional(),
});
/** Take part in a chain: pages come from a neighbour instead of the gateway, and are passed on. An agent that knows no chains
 *  restores as usual. */
export const ChainOffer = z.object({
  chainId: z.string().min(1).max(128),
  /** What its members prove themselves by to each other. */
  secret: hexHash,
  /** What this PC is called in it. */
  nodeId: z.string().min(1).max(64),
});
/** A recipe whose partition is one of this disk. */
const DiskRecipe = z.object({ diskSerial: shortText, recipe: RecipeMessage });
export const TaskMessage = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("archive"),
    taskId: z.string(),
    leaseId: z.string(),
    snapshotId: z.string(),
    images: z.array(ArchiveImage).max(256),
  }),
  z.object({
    kind: z.literal("restore"),
    taskId: z.string(),
    leaseId: z.string(),
    snapshotId: z.string(),
    images: z.array(RestoreImage).max(256),
    chain: ChainOffer.optional(),
    /** A disk that is partitioned otherwise gets the snapshot's layout all the same: a person has agreed. An agent that does
     *  not know it refuses such a disk. */
    replacesLayout: z.boolean().optional(),
    /** Changes to single files once everything is on the disk and verified. An agent that does not know them would leave them out, so
     *  the gateway checks that as many results come back. */
    recipes: z.array(DiskRecipe).max(RECIPES_MAX).optional(),
  }),
]);
export const LeaseResponse = z.object({ task: TaskMessage.nullable() });

/** POST /agent/v1/tasks/{taskId}/heartbeat, header x-sheepfold-lease. */
export const HeartbeatRequest = z.object({ step: z.enum(TASK_STEPS), doneBytes: bytes, totalBytes: bytes });
/** "lost": another lease exists or the task ended; stop at once and touch nothing more. */
export const HeartbeatResponse = z.object({ verdict: z.enum(["continue", "cancel", "lost"]) });

/** Answer to an offer of page hashes (binary body): the page indices to send. */
export const OfferResponse = z.object({
  wanted: z.array(z.number().int().nonnegative()).max(PAGES_PER_REQUEST),
});
/** Answer to "this image is complete". */
export const FinishImageResponse = z.object({ contentRoot: hexHash });

const count = z.number().int().nonnegative();
const nodeIdText = z.string().min(1).max(64);
/** POST /agent/v1/tasks/{taskId}/chain/report, twice a second: what lib/chain/coordinator.ts calls a NodeReport. */
export const ChainReportRequest = z.object({
  /** Where its neighbours reach it. */
  host: z.string().min(1).max(64),
  port: z.number().int().min(1).max(65535),
  epoch: z.number().int().min(-1),
  rank: z.number().int().min(-1),
  lackingBytes: bytes,
  isScanned: z.boolean(),
  isDone: z.boolean(),
  attachedTo: nodeIdText.nullable(),
  childIds: z.array(nodeIdText).max(64),
  backlogs: z.record(nodeIdText, count),
  /** Since the agent joined; an older agent does not count them. */
  receivedBytes: bytes.default(0),
  sentBytes: bytes.default(0),
  writtenBytes: bytes.default(0),
  /** Pages wait for its disk. */
  isDiskBehind: z.boolean().default(false),
  losses: z
    .array(
      z.object({
        nodeId: nodeIdText,
        why: z.enum(["closed", "silent", "refused", "unreachable", "bad-pages"]),
      }),
    )
    .max(256),
});
export const ChainReportResponse = z.object({
  /** Null while there is no order yet: wait. */
  place: z
    .object({
      epoch: count,
      rank: count,
      /** Nearest first, the gateway (without an address) last. */
      upstreams: z
        .array(
          z.object({
            nodeId: nodeIdText,
            address: z
              .object({ host: z.string().max(64), port: z.number().int().min(1).max(65535) })
              .nullable(),
          }),
        )
        .max(16),
      isReleased: z.boolean(),
    })
    .nullable(),
  /** The chain cannot go on: take the rest from the gateway. */
  failure: z.object({ code: z.enum(FAILURE_CODES), message: z.string() }).nullable(),
});

export const ImageResult = z.object({
  image: z.number().int().nonnegative(),
  contentRoot: hexHash,
  readBytes: bytes,
  differingBytes: bytes,
  writtenBytes: bytes,
});
/** POST /agent/v1/tasks/{taskId}/result. The agent repeats it until answered. */
/** What went over a PC's lines in a chain, in bytes as they travelled. */
export const ChainTraffic = z.object({
  fromGatewayBytes: bytes,
  fromNeighboursBytes: bytes,
  sentBytes: bytes,
  /** Found elsewhere on the PC's own disk. */
  copiedBytes: bytes.default(0),
});
export const ResultRequest = z.discriminatedUnion("outcome", [
  z.object({
    outcome: z.literal("succeeded"),
    images: z.array(ImageResult).max(256),
    /** Of a restore through a chain. */
    chain: ChainTraffic.optional(),
    /** One for each recipe of the task, in their order. */
    recipes: z.array(RecipeResult).max(RECIPES_MAX).optional(),
  }),
  z.object({
    outcome: z.literal("failed"),
    failure: z.object({
      code: z.enum(FAILURE_CODES),
      message: words,
      hint: words.nullable(),
    }),
    /** Whether trying again by itself can help. Absent: it cannot. */
    retry: z.enum(["later", "never"]).optional(),
  }),
  z.object({ outcome: z.literal("cancelled") }),
]);
export const ResultResponse = z.object({ verdict: z.enum(["accepted", "lost"]) });

/** Every refusal by the gateway. */
export const ErrorResponse = z.object({
  code: z.enum(FAILURE_CODES),
  message: z.string(),
  hint: z.string().nullable(),
});

export type EnrolRequest = z.infer<typeof EnrolRequest>;
export type EnrolResponse = z.infer<typeof EnrolResponse>;
export type HelloRequest = z.infer<typeof HelloRequest>;
export type HelloResponse = z.infer<typeof HelloResponse>;
export type ArchiveImage = z.infer<typeof ArchiveImage>;
export type RestoreImage = z.infer<typeof RestoreImage>;
export type HeartbeatRequest = z.infer<typeof HeartbeatRequest>;
export type HeartbeatResponse = z.infer<typeof HeartbeatResponse>;
export type ErrorResponse = z.infer<typeof ErrorResponse>;
export type ChainOffer = z.infer<typeof ChainOffer>;
export type ChainTraffic = z.infer<typeof ChainTraffic>;
export type ChainReportRequest = z.infer<typeof ChainReportRequest>;
export type ChainReportResponse = z.infer<typeof ChainReportResponse>;
export type TaskMessage = z.infer<typeof TaskMessage>;
export type ResultResponse = z.infer<typeof ResultResponse>;
export type ResultRequest = z.infer<typeof ResultRequest>;
export type ImageResult = z.infer<typeof ImageResult>;

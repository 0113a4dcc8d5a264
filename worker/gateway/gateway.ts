// The gateway: the one port agents talk to. Plain HTTPS, TLS 1.3 both ways: agents pin this side's certificate, and this side
// knows an agent by its certificate's public key. Every request is answered for the node of that key and no other.
//
// Here are the port, its limits and its end; router.ts says which request is whose.
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { LineSpeeds } from "#lib/chain/chain-count.ts";
import type { Repository } from "#lib/engine/repository.ts";
import { limitAt } from "#lib/model/bandwidth.ts";
import { CodedError } from "#lib/model/errors.ts";
import { TASK_LOST_AFTER_MS } from "#lib/protocol/control.ts";
import { Chains } from "../chain/chains.ts";
import { ArchiveSessions } from "./archive-sessions.ts";
import type { GatewayCertificate } from "./certificate.ts";
import type { GatewayContext } from "./context.ts";
import { databaseStore } from "./database-store.ts";
import type { GatewayLog } from "./gateway-log.ts";
import { Leases } from "./leases.ts";
import { NewKeyRate } from "./new-key-rate.ts";
import { handle, handleUpgrade } from "./router.ts";
import type { GatewayStore } from "./store.ts";
import { Throttle } from "./throttle.ts";
import { Wakes } from "./wakes.ts";

export type { GatewayLog } from "./gateway-log.ts";

export interface GatewayOptions {
  readonly repository: Repository;
  readonly certificate: GatewayCertificate;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly log: GatewayLog;
  /** Default: the database. */
  readonly store?: GatewayStore;
  /** Default: all lines are equally fast. */
  readonly lines?: LineSpeeds;
  /** Default: nobody has asked yet. */
  readonly newKeys?: NewKeyRate;
}

export interface Gateway {
  readonly port: number;
  readonly fingerprint: string;
  /** Ends long polls, aborts archives in the making, closes the port. Agents come back by themselves. */
  close(): Promise<void>;
}

const EQUAL_LINES: LineSpeeds = { gatewayMbit: 1, pcMbit: 1 };
const HANDSHAKE_MS_MAX = 10_000;
const HEADERS_MS_MAX = 10_000;
// The longest body is 64 pages from a PC on a slow line.
const REQUEST_MS_MAX = 120_000;
const SILENCE_MS_MAX = 60_000;
const CONNECTIONS_MAX = 8192;
const SWEEP_MS = 5_000;
/** How soon a new rule for the bandwidth holds. */
const LIMIT_MS = 2_000;
/** How long an archive waits for its agent to come back. Longer than the worker lets a task wait for a silent node. */
const ARCHIVE_UNUSED_MS_MAX = 150_000;

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { repository, certificate, log } = options;
  const throttle = new Throttle();
  const context: GatewayContext = {
    repository,
    store: options.store ?? databaseStore,
    log,
    leases: new Leases(),
    archives: new ArchiveSessions(repository),
    chains: new Chains({
      repository,
      log,
      key: certificate.keyPem,
      lines: options.lines ?? EQUAL_LINES,
      throttle,
    }),
    throttle,
    wakes: new Wakes(),
    newKeys: options.newKeys ?? new NewKeyRate(),
    closing: new AbortController(),
  };
  const unsubscribe = await context.store.subscribeTasks((nodeId) => context.wakes.wake(nodeId));
  const server = https.createServer(
    {
      cert: certificate.certPem,
      key: certificate.keyPem,
      minVersion: "TLSv1.3",
      requestCert: true,
      // Agents' certificates are self-made: the key is looked up per request instead of a chain here.
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_MS_MAX,
      headersTimeout: HEADERS_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
    },
    (request, response) => void handle(context, request, response),
  );
  server.on("upgrade", (request, socket) => void handleUpgrade(context, request, socket));
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(SILENCE_MS_MAX);
  // Port scanners and agents with a wrong pin break off here all day long: not worth more than dropping them.
  server.on("tlsClientError", (_error: Error, socket: Socket) => socket.destroy());
  await limitBandwidth(context);
  const port = await listen(server, options);
  const limiter = setInterval(() => void limitBandwidth(context), LIMIT_MS);
  limiter.unref();
  const sweeper = setInterval(() => void sweep(context), SWEEP_MS);
  sweeper.unref();
  return {
    port,
    fingerprint: certificate.fingerprint,
    close: async () => {
      clearInterval(sweeper);
      clearInterval(limiter);
      context.closing.abort(
        new CodedError("repository-closed", "The server is being restarted.", { retry: "later" }),
      );
      await unsubscribe();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      context.leases.endAll();
      context.chains.closeAll();
      await context.archives.abortAll();
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: https.Server, { host, port }: GatewayOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      reject(
        new CodedError(
          "environment-invalid",
          `The gateway cannot listen on ${host}:${port}: ${cause.message}.`,
          {
            hint: "Set GATEWAY_HOST and GATEWAY_PORT to an address of this machine and a free port.",
            cause,
          },
        ),
      );
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

async function limitBandwidth({ store, throttle, log }: GatewayContext): Promise<void> {
  try {
    throttle.setLimit(limitAt(await store.bandwidthRules(), new Date()));
  } catch (error) {
    // What held goes on holding.
    log.error("The rules for the bandwidth cannot be read.", { error: String(error) });
  }
}

/** Forgets leases nobody speaks for any more; the database's own sweeper decides what becomes of their tasks. */
async function sweep(context: GatewayContext): Promise<void> {
  for (const lease of context.leases.silentFor(2 * TASK_LOST_AFTER_MS)) context.leases.end(lease.task.taskId);
  context.chains.closeUnused();
  await context.archives.abortUnusedFor(ARCHIVE_UNUSED_MS_MAX).catch((error: unknown) => {
    context.log.error("An archive nobody continued could not be aborted.", { error: String(error) });
  });
}

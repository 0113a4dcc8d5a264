// NbdServer serves one disk, read-only, to several clients at once, on a unix socket or a TCP port.
//
// It promises: bounded memory whatever clients send, no client delays another, and after close() no connection, no
// read and no socket file is left. It does not encrypt and asks nobody who they are: who reaches it can read all.
import { createServer, type Server, type Socket } from "node:net";
import { CodedError } from "#lib/model/errors.ts";
import type { NbdDisk } from "./disk.ts";
import { Negotiation } from "./negotiation.ts";
import { SocketBytes } from "./socket-bytes.ts";
import { Transmission } from "./transmission.ts";

export type NbdAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

export interface NbdServerOptions {
  /** A read failed: the client was told EIO, the operator should know why. */
  readonly onReadError: (error: unknown) => void;
  readonly clientsMax?: number;
  readonly negotiationMsMax?: number;
}

/** Enough for a few people with the four connections nbdcopy opens; each may hold 32 MiB. */
const CLIENTS_MAX = 16;
const NEGOTIATION_MS_MAX = 30_000;

export class NbdServer {
  readonly #disk: NbdDisk;
  readonly #options: NbdServerOptions;
  readonly #server: Server;
  readonly #connections = new Map<Socket, Promise<void>>();

  private constructor(disk: NbdDisk, options: NbdServerOptions) {
    this.#disk = disk;
    this.#options = options;
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = options.clientsMax ?? CLIENTS_MAX;
  }

  /** Resolves when clients can connect. A unix socket is made for this user alone. */
  static async listen(disk: NbdDisk, address: NbdAddress, options: NbdServerOptions): Promise<NbdServer> {
    const server = new NbdServer(disk, options);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.#server.once("error", (error) => reject(unusable(address, error)));
    // Set before the socket exists: changing its mode afterwards would leave a moment in which anyone may connect.
    const umask = address.kind === "unix" ? process.umask(0o177) : null;
    try {
      server.#server.listen(address.kind === "unix" ? address.path : { ...address }, resolve);
    } finally {
      if (umask !== null) process.umask(umask);
    }
    await promise;
    return server;
  }

  /** The TCP port listened on (a port 0 has become a real one); null on a unix socket. */
  get port(): number | null {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : null;
  }

  /** Ends all connections; no read is under way when this resolves. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#connections.keys()) socket.destroy();
    await Promise.all(this.#connections.values());
    await closed;
  }

  #accept(socket: Socket): void {
    // The reading side learns of a broken connection by itself; without a listener it would end the program.
    socket.on("error", () => socket.destroy());
    const serving = this.#serve(socket).finally(() => {
      socket.destroy();
      this.#connections.delete(socket);
    });
    this.#connections.set(socket, serving);
  }

  async #serve(socket: Socket): Promise<void> {
    const bytes = new SocketBytes(socket);
    const patience = setTimeout(() => socket.destroy(), this.#options.negotiationMsMax ?? NEGOTIATION_MS_MAX);
    try {
      const agreement = await new Negotiation(socket, bytes, this.#disk).run();
      clearTimeout(patience);
      if (agreement !== null)
        await new Transmission(socket, bytes, this.#disk, agreement, this.#options.onReadError).run();
      // What was said last (the answer to ABORT, the last reads) still goes out.
      if (socket.writable) await new Promise<void>((resolve) => socket.end(() => resolve()));
    } finally {
      clearTimeout(patience);
    }
  }
}

function unusable(address: NbdAddress, cause: unknown): CodedError {
  const where = address.kind === "unix" ? address.path : `${address.host}:${address.port}`;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new CodedError("input-invalid", `Nothing can listen on ${where}: ${detail}.`, {
    hint: "Choose another path or port; remove a socket file only when no server uses it.",
    cause,
  });
}

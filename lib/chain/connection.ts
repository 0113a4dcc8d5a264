// One neighbour at the end of a socket: messages in, messages out, and what the network has taken.
import type { Duplex } from "node:stream";
import { type ChainMessage, encodeMessage, MessageDecoder } from "./wire.ts";

export interface ConnectionEvents {
  message(message: ChainMessage): void;
  /** Once, whoever closed it. */
  closed(): void;
  /** The network has taken a page of that size. */
  taken(size: number): void;
}

export class ChainConnection {
  readonly #socket: Duplex;
  readonly #events: ConnectionEvents;
  readonly #decoder = new MessageDecoder();
  #isClosed = false;

  constructor(socket: Duplex, events: ConnectionEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    // A half-closed neighbour is a closed one: both directions are needed.
    for (const event of ["close", "end"] as const) socket.once(event, () => this.#lost());
    socket.on("error", () => this.#lost());
  }

  send(message: ChainMessage): void {
    if (this.#isClosed) return;
    const [header, body] = encodeMessage(message);
    if (header === undefined) return;
    if (body === undefined) {
      this.#socket.write(header);
      return;
    }
    this.#socket.cork();
    this.#socket.write(header);
    const { length } = body;
    this.#socket.write(body, () => {
      if (message.kind === "page" && !this.#isClosed) this.#events.taken(length);
    });
    this.#socket.uncork();
  }

  /** Takes no more until `resume`: what was taken must be worked through first. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #received(chunk: Buffer): void {
    if (this.#isClosed) return;
    try {
      for (const message of this.#decoder.push(chunk)) this.#events.message(message);
    } catch {
      // Whoever speaks otherwise than agreed is left; who is right about the version, the hello has said.
      this.#socket.destroy();
      this.#lost();
    }
  }

  #lost(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    this.#events.closed();
  }
}

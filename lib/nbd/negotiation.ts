// Negotiation is the first half of a connection: the client asks what there is, chooses, and says what it can do.
//
// Everything it sends may be hostile: options are bounded in size and number, and what is not understood is answered
// as the protocol says, or the connection ends.
import type { Socket } from "node:net";
import type { NbdDisk } from "./disk.ts";
import type { SocketBytes } from "./socket-bytes.ts";
import {
  type BlockSizes,
  decodeInfoRequest,
  decodeMetaContextRequest,
  decodeOptionHead,
  EXPORT_FLAG,
  encodeBlockSizeInfo,
  encodeExportInfo,
  encodeExportName,
  encodeGreeting,
  encodeMetaContext,
  encodeOptionReply,
  encodeServerName,
  encodeTextInfo,
  HANDSHAKE_FLAG,
  INFO,
  OPTION,
  OPTION_HEAD_BYTES,
  OPTION_MAGIC,
  OPTION_REPLY,
} from "./wire.ts";

export interface Agreement {
  readonly structured: boolean;
  /** The client may ask which ranges are zero. */
  readonly allocation: boolean;
}

/** One-byte reads work; 4 KiB are what file systems ask for; larger requests than 32 MiB are refused. */
export const BLOCK_SIZES: BlockSizes = { minimum: 1, preferred: 4096, maximum: 32 * 1024 * 1024 };
export const ALLOCATION_CONTEXT_ID = 1;
const ALLOCATION_CONTEXT = "base:allocation";

/** An option with a name, some queries and room to spare. */
const OPTION_BYTES_MAX = 64 * 1024;
/** What one client may still say beyond that before it is cut off. */
const OPTION_BYTES_SKIPPED_MAX = 1024 * 1024;
const OPTIONS_MAX = 64;

const CLIENT_FLAGS_KNOWN = HANDSHAKE_FLAG.fixedNewstyle | HANDSHAKE_FLAG.noZeroes;

type Answer = "go-on" | "end" | "transmit";

export class Negotiation {
  readonly #socket: Socket;
  readonly #bytes: SocketBytes;
  readonly #disk: NbdDisk;
  #withZeroes = true;
  #structured = false;
  /** The export for which allocation was chosen: it counts only if that is then opened. */
  #allocationOf: string | null = null;
  #opened = "";

  constructor(socket: Socket, bytes: SocketBytes, disk: NbdDisk) {
    this.#socket = socket;
    this.#bytes = bytes;
    this.#disk = disk;
  }

  /** Null when the client left, or has to. */
  async run(): Promise<Agreement | null> {
    this.#socket.write(encodeGreeting());
    const flags = (await this.#bytes.read(4))?.readUInt32BE(0);
    if (flags === undefined || (flags & ~CLIENT_FLAGS_KNOWN) !== 0) return null;
    this.#withZeroes = (flags & HANDSHAKE_FLAG.noZeroes) === 0;
    for (let count = 0; count < OPTIONS_MAX; count++) {
      const answer = await this.#answerOption();
      if (answer === "end") return null;
      if (answer === "transmit") return this.#agreement();
    }
    return null;
  }

  #agreement(): Agreement {
    const structured = this.#structured;
    return { structured, allocation: structured && this.#allocationOf === this.#opened };
  }

  async #answerOption(): Promise<Answer> {
    const start = await this.#bytes.read(OPTION_HEAD_BYTES);
    if (start === null) return "end";
    const { magic, option, lengthBytes } = decodeOptionHead(start);
    if (magic !== OPTION_MAGIC || lengthBytes > OPTION_BYTES_SKIPPED_MAX) return "end";
    if (lengthBytes > OPTION_BYTES_MAX) {
      if (!(await this.#bytes.skip(lengthBytes))) return "end";
      return this.#reply(option, OPTION_REPLY.errorTooBig);
    }
    const data = await this.#bytes.read(lengthBytes);
    return data === null ? "end" : this.#answer(option, data);
  }

  #answer(option: number, data: Buffer): Answer {
    switch (option) {
      case OPTION.exportName:
        return this.#exportName(data.toString("utf8"));
      case OPTION.abort:
        this.#reply(option, OPTION_REPLY.ack);
        return "end";
      case OPTION.list:
        return this.#list(data);
      case OPTION.info:
      case OPTION.go:
        return this.#info(option, data);
      case OPTION.structuredReply:
        if (data.length > 0) return this.#reply(option, OPTION_REPLY.errorInvalid);
        this.#structured = true;
        return this.#reply(option, OPTION_REPLY.ack);
      case OPTION.listMetaContext:
      case OPTION.setMetaContext:
        return this.#metaContext(option, data);
      default:
        return this.#reply(option, OPTION_REPLY.errorUnsupported);
    }
  }

  /** The old way to open: there is no way to say no but to hang up. */
  #exportName(name: string): Answer {
    if (!this.#isServed(name)) return "end";
    this.#opened = name;
    this.#socket.write(encodeExportName(this.#disk.sizeBytes, this.#flags, this.#withZeroes));
    return "transmit";
  }

  #list(data: Buffer): Answer {
    if (data.length > 0) return this.#reply(OPTION.list, OPTION_REPLY.errorInvalid);
    this.#reply(OPTION.list, OPTION_REPLY.server, encodeServerName(this.#disk.name));
    return this.#reply(OPTION.list, OPTION_REPLY.ack);
  }

  #info(option: number, data: Buffer): Answer {
    const request = decodeInfoRequest(data);
    if (request === null) return this.#reply(option, OPTION_REPLY.errorInvalid);
    if (!this.#isServed(request.name)) return this.#reply(option, OPTION_REPLY.errorUnknownExport);
    const { sizeBytes, name, description } = this.#disk;
    this.#reply(option, OPTION_REPLY.info, encodeExportInfo(sizeBytes, this.#flags));
    this.#reply(option, OPTION_REPLY.info, encodeBlockSizeInfo(BLOCK_SIZES));
    if (request.wanted.includes(INFO.name))
      this.#reply(option, OPTION_REPLY.info, encodeTextInfo(INFO.name, name));
    if (request.wanted.includes(INFO.description))
      this.#reply(option, OPTION_REPLY.info, encodeTextInfo(INFO.description, description));
    this.#reply(option, OPTION_REPLY.ack);
    if (option === OPTION.info) return "go-on";
    this.#opened = request.name;
    return "transmit";
  }

  #metaContext(option: number, data: Buffer): Answer {
    const request = decodeMetaContextRequest(data);
    if (request === null || !this.#structured) return this.#reply(option, OPTION_REPLY.errorInvalid);
    if (!this.#isServed(request.name)) return this.#reply(option, OPTION_REPLY.errorUnknownExport);
    const { queries } = request;
    const listsAll = option === OPTION.listMetaContext && (queries.length === 0 || queries.includes("base:"));
    const chosen = listsAll || queries.includes(ALLOCATION_CONTEXT);
    if (option === OPTION.setMetaContext) this.#allocationOf = chosen ? request.name : null;
    const id = option === OPTION.setMetaContext ? ALLOCATION_CONTEXT_ID : 0;
    if (chosen) this.#reply(option, OPTION_REPLY.metaContext, encodeMetaContext(id, ALLOCATION_CONTEXT));
    return this.#reply(option, OPTION_REPLY.ack);
  }

  #reply(option: number, type: number, data?: Uint8Array): "go-on" {
    this.#socket.write(encodeOptionReply(option, type, data));
    return "go-on";
  }

  #isServed(name: string): boolean {
    return name === "" || name === this.#disk.name;
  }

  /** The bytes never change, so several connections of one client always agree. */
  get #flags(): number {
    const { hasFlags, readOnly, sendFlush, canMultiConnect, sendDontFragment } = EXPORT_FLAG;
    return hasFlags | readOnly | sendFlush | canMultiConnect | (this.#structured ? sendDontFragment : 0);
  }
}

// TLS connections to the one gateway this agent was told to trust. The certificate's fingerprint is compared before a single
// byte of ours is sent, on every connection; names and authorities play no part.
import https from "node:https";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { CodedError } from "#lib/model/errors.ts";
import { fingerprintOf } from "#lib/protocol/certificate.ts";
import type { AgentIdentity } from "./identity.ts";

export interface GatewayAddress {
  readonly host: string;
  readonly port: number;
  /** "sha256:HEX" of the gateway's certificate. */
  readonly fingerprint: string;
}

const CONNECT_MS_MAX = 10_000;
// Long poll, heartbeat, and a few requests of a running task beside each other.
const CONNECTIONS_MAX = 8;

export class PinnedHttpsAgent extends https.Agent {
  readonly #address: GatewayAddress;
  readonly #identity: AgentIdentity;
  /** Of the newest connection; empty before the first. */
  localAddress = "";

  constructor(address: GatewayAddress, identity: AgentIdentity) {
    super({ keepAlive: true, maxSockets: CONNECTIONS_MAX, scheduling: "lifo" });
    this.#address = address;
    this.#identity = identity;
  }

  // Answering by callback only, after the check, is what keeps Node from writing the request earlier.
  override createConnection(
    _options: unknown,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const socket = tls.connect({
      host: this.#address.host,
      port: this.#address.port,
      cert: this.#identity.certPem,
      key: this.#identity.keyPem,
      minVersion: "TLSv1.3",
      // The pin below replaces the chain of authorities, which a self-made certificate does not have.
      rejectUnauthorized: false,
    });
    const finish = (error: Error | null) => {
      socket.setTimeout(0);
      socket.removeListener("error", finish);
      if (error !== null) socket.destroy();
      else this.localAddress = socket.localAddress?.replace(/^::ffff:/, "") ?? "";
      callback?.(error, socket);
    };
    socket.setTimeout(CONNECT_MS_MAX, () => socket.destroy(new Error("no answer to the TLS handshake")));
    socket.once("error", finish);
    socket.once("secureConnect", () => finish(this.#mismatch(socket)));
    return undefined;
  }

  #mismatch(socket: tls.TLSSocket): CodedError | null {
    const certificate = socket.getPeerX509Certificate();
    const found = certificate === undefined ? "no certificate" : fingerprintOf(certificate);
    if (found === this.#address.fingerprint) return null;
    return new CodedError(
      "certificate-mismatch",
      `${this.#address.host}:${this.#address.port} shows ${found}, not the pinned ${this.#address.fingerprint}.`,
      {
        hint: "Nothing was sent. If the server was set up anew, give the agent its new fingerprint; if not, someone may be in between.",
        retry: "later",
      },
    );
  }
}

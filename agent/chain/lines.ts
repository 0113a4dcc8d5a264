// The connections between PCs: TLS 1.3 with a key that only this chain's members were given. Each end proves that it has it, so
// neither a stranger nor a PC of another job gets a byte in or out. Between a PC and the gateway the agent's own pinned
// connection is used instead.
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { CodedError } from "#lib/model/errors.ts";

const CIPHERS = "TLS_AES_128_GCM_SHA256:PSK";
const HANDSHAKE_MS_MAX = 2_000;
/** A chain's neighbours are few; more is somebody knocking. */
const CONNECTIONS_MAX = 16;
/** Two pages ahead of the network at most: more would only wait here instead of where it can be passed on. */
const BUFFER_BYTES = 512 * 1024;

export interface ChainKey {
  /** Says which chain is meant; no secret. */
  readonly chainId: string;
  /** 32 bytes, hex. */
  readonly secret: string;
}

export interface Listener {
  readonly port: number;
  close(): void;
}

export async function listen(
  { chainId, secret }: ChainKey,
  host: string,
  accepted: (socket: Duplex) => void,
): Promise<Listener> {
  const key = Buffer.from(secret, "hex");
  const server = tls.createServer(
    {
      ciphers: CIPHERS,
      minVersion: "TLSv1.3",
      handshakeTimeout: HANDSHAKE_MS_MAX,
      highWaterMark: BUFFER_BYTES,
      noDelay: true,
      pskCallback: (_socket, identity) => (identity === chainId ? key : null),
    },
    accepted,
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new CodedError(
          "environment-invalid",
          `This PC cannot take connections of its neighbours: ${cause.message}.`,
          {
            hint: "Check the PC's network.",
            retry: "later",
            cause,
          },
        ),
      ),
    );
    server.listen(0, host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

/** Calls back once the neighbour has proved itself; a socket that fails closes. */
export function dial(
  { chainId, secret }: ChainKey,
  { host, port }: { readonly host: string; readonly port: number },
  connected: (socket: Duplex) => void,
): Duplex {
  const socket = tls.connect({
    host,
    port,
    ciphers: CIPHERS,
    minVersion: "TLSv1.3",
    pskCallback: () => ({ psk: Buffer.from(secret, "hex"), identity: chainId }),
    // The key is the proof; there are no names.
    checkServerIdentity: () => undefined,
  });
  socket.setNoDelay(true);
  socket.once("secureConnect", () => connected(socket));
  return socket;
}

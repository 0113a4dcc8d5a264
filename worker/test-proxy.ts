// For tests: a door in front of Postgres that can be shut and opened again, so that a database "goes away" for this process alone.
import net from "node:net";

export interface TestProxy {
  readonly port: number;
  /** Cuts every connection and refuses new ones. */
  shut(): Promise<void>;
  open(): Promise<void>;
  /** Lets nothing through any more and says nothing, as a pulled cable does. Ended by `shut`. */
  freeze(): void;
}

export async function startTestProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<TestProxy> {
  const sockets = new Set<net.Socket>();
  let port = 0;
  const server = net.createServer((client) => {
    const upstream = net.connect(target.port, target.host);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      // A broken pair ends together; that it broke is what the tests want.
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  const listen = () => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen();
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("Bug: a TCP server has a port");
  port = address.port;
  return {
    port,
    open: listen,
    freeze: () => {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    shut: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

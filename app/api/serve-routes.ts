// For tests: the declared routes behind a real port, called as Next calls them, so that foreign clients can be let loose on them
// without building the dashboard.
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { ALL_ROUTES } from "./openapi/all-routes.ts";
import { paramNamesOf } from "./v1/declaration.ts";
import { GET as openApi } from "./v1/openapi.json/route.ts";

type Handler = (request: Request, context: { params: Promise<Record<string, string>> }) => Promise<Response>;

export async function serveRoutes(): Promise<{ readonly origin: string; readonly server: Server }> {
  const server = createServer(async (incoming, outgoing) => {
    const response = await answerTo(await requestOf(incoming));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const { method = "GET", url = "/", headers } = incoming;
  const body = method === "GET" ? undefined : new Uint8Array(await buffer(incoming));
  const words = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
  return new Request(new URL(url, `http://${headers.host}`), {
    method,
    body,
    headers: new Headers(Object.fromEntries(words)),
  });
}

async function answerTo(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/api/v1/openapi.json") return openApi(request);
  for (const { method, declaration, handler } of ALL_ROUTES) {
    const pattern = new RegExp(`^${declaration.path.replace(/\{\w+\}/g, "([^/]+)")}$`);
    const match = method === request.method ? pattern.exec(pathname) : null;
    if (match === null) continue;
    const names = paramNamesOf(declaration.path);
    const params = Object.fromEntries(
      names.map((name, index) => [name, decodeURIComponent(match[index + 1] ?? "")]),
    );
    return (handler as Handler)(request, { params: Promise.resolve(params) }); // routeOf made it
  }
  return new Response("There is no such route.", { status: 404 });
}

// The OpenAPI 3.1 document of the HTTP API, made of what the routes declare. Nothing is described a second time: what a body, an
// answer or a parameter is comes from the schema that the handler itself reads or is typed by.
import { RequestId } from "#lib/commands/input.ts";
import { SHEEPFOLD_VERSION } from "#lib/model/version.ts";
import { Problem } from "#lib/queries/api/answers/shared.ts";
import { isFileAnswer, paramNamesOf, type RouteDeclaration } from "../v1/declaration.ts";
import { ALL_ROUTES, type DeclaredRoute } from "./all-routes.ts";
import {
  answerSchema,
  type Components,
  hasField,
  inputSchema,
  isEmptyObject,
  type JsonSchema,
  mustBeSent,
  withoutFields,
} from "./schemas.ts";

const INTRODUCTION = `What the dashboard does, for programs. The same rules, permissions and records hold.

Sign in with an API token from the settings page as \`Authorization: Bearer …\`, or with the session's cookie. Lists come in pages: \
hand \`next\` back as \`cursor\` until it is null. A POST with an \`Idempotency-Key\` may be sent again: it finds what the first one made. \
Answers to GET have an ETag; send it as If-None-Match and an unchanged answer is a 304. Answers may gain fields. Failures are \
problem+json with a stable \`code\`.`;

/** Made once per process: routes do not change while it runs. */
let made: { readonly text: string } | null = null;

export function openApiText(): string {
  made ??= { text: JSON.stringify(openApiDocument()) };
  return made.text;
}

export function openApiDocument(): JsonSchema {
  const components: Components = new Map();
  const problem = answerSchema(Problem, components);
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of ALL_ROUTES) {
    const { path } = route.declaration;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, components) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Sheepfold",
      version: SHEEPFOLD_VERSION,
      description: INTRODUCTION,
      license: { name: "Proprietary", identifier: "LicenseRef-Proprietary" },
    },
    servers: [{ url: "/", description: "The installation that serves this document." }],
    security: [{ token: [] }, { session: [] }],
    tags: tagsOf(Object.keys(paths)),
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "An API token from the settings page." },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "better-auth.session_token",
          description: "The dashboard's session; named __Secure-better-auth.session_token over https.",
        },
      },
      schemas: Object.fromEntries([...components].sort(([left], [right]) => (left < right ? -1 : 1))),
      responses: {
        Problem: {
          description: "Refused or failed; `code` says why, `hint` what to do next.",
          content: { "application/problem+json": { schema: problem } },
        },
      },
      parameters: {
        IdempotencyKey: {
          name: "Idempotency-Key",
          in: "header",
          description:
            "Of your choice, such as a UUID. The same key again finds what the first call made, for as long as that exists; with another body it is refused as input-invalid.",
          schema: inputSchema(RequestId, components),
        },
      },
    },
  };
}

function operationOf({ method, declaration }: DeclaredRoute, components: Components): JsonSchema {
  const { path, summary, description, permission, repeated, status = 200 } = declaration;
  const paramNames = paramNamesOf(path);
  const input = declaration.input === undefined ? null : inputSchema(declaration.input, components);
  const hasRequestId = input !== null && hasField(input, "requestId");
  const words = [
    description,
    `Permission: ${permission}.`,
    repeated === undefined ? undefined : `Sent again: ${repeated}`,
  ];
  const body = method === "GET" || method === "DELETE" ? undefined : bodyOf(declaration, input, paramNames);
  return {
    operationId: operationIdOf(method, path),
    tags: [tagOf(path)],
    summary,
    description: words.filter((text) => text !== undefined).join("\n\n"),
    "x-permission": permission,
    parameters: [
      ...paramNames.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
      ...queryParameters(declaration, components),
      ...(hasRequestId ? [{ $ref: "#/components/parameters/IdempotencyKey" }] : []),
    ],
    ...(body === undefined ? {} : { requestBody: body }),
    responses: {
      [status]: answerOf(declaration, components),
      ...(method === "GET" ? { 304: { description: "Unchanged since the ETag that was sent." } } : {}),
      "4XX": { $ref: "#/components/responses/Problem" },
      "5XX": { $ref: "#/components/responses/Problem" },
    },
  };
}

function bodyOf(
  { fileBody }: RouteDeclaration,
  input: JsonSchema | null,
  paramNames: readonly string[],
): JsonSchema | undefined {
  if (fileBody !== undefined) {
    const { mediaType, description } = fileBody;
    return { required: true, description, content: { [mediaType]: { schema: { type: "string" } } } };
  }
  if (input === null) return undefined;
  const schema = withoutFields(input, [...paramNames, "requestId"]);
  if (isEmptyObject(schema)) return undefined;
  return { required: mustBeSent(schema), content: { "application/json": { schema } } };
}

function queryParameters({ query }: RouteDeclaration, components: Components): JsonSchema[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = inputSchema(query, components);
  return Object.entries(properties as Record<string, JsonSchema>).map(([name, field]) => {
    const { description, ...schema } = field;
    return {
      ...{ name, in: "query", required: (required as string[]).includes(name), schema },
      ...(description === undefined ? {} : { description }),
    };
  });
}

function answerOf({ answer }: RouteDeclaration, components: Components): JsonSchema {
  if (isFileAnswer(answer)) {
    const { mediaType, description } = answer;
    return { description, content: { [mediaType]: { schema: { type: "string" } } } };
  }
  return {
    description: "Done.",
    content: { "application/json": { schema: answerSchema(answer, components) } },
  };
}

/** "GET /api/v1/jobs/{jobId}" is getJobsByJobId: generators name their functions by it. */
function operationIdOf(method: string, path: string): string {
  const words = path
    .replace("/api/v1/", "")
    .replace(/\{(\w+)\}/g, (_, name: string) => `by-${name}`)
    .split(/[^A-Za-z]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return method.toLowerCase() + words.join("");
}

function tagOf(path: string): string {
  return path.split("/")[3] ?? "";
}

function tagsOf(paths: readonly string[]): JsonSchema[] {
  return [...new Set(paths.map(tagOf))].sort().map((name) => ({ name, description: `/api/v1/${name}` }));
}

// What the OpenAPI document promises: no route is left out of it, it stands where its folder says, it may be repeated safely or says
// what then happens, and the document is one that other people's tools accept.
import { globSync } from "node:fs";
import { join } from "node:path";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { describe, expect, test } from "vitest";
import { RequestId } from "#lib/commands/input.ts";
import { paramNamesOf } from "../v1/declaration.ts";
import { ALL_ROUTES, declarationOf, METHODS } from "./all-routes.ts";
import { openApiDocument, openApiText } from "./document.ts";
import { type Components, hasField, inputSchema } from "./schemas.ts";

const ROUTES_FOLDER = join(import.meta.dirname, "../v1");
/** The document itself. */
const NOT_IN_THE_DOCUMENT = ["openapi.json/route.ts"];

const FILES = globSync("**/route.ts", { cwd: ROUTES_FOLDER })
  .filter((file) => !NOT_IN_THE_DOCUMENT.includes(file))
  .sort();

test.each(FILES)(
  "every method of %s is declared, under its own path, and listed in all-routes.ts",
  async (file) => {
    const module: Record<string, unknown> = await import(join(ROUTES_FOLDER, file));
    const path = `/api/v1/${file
      .replace(/\/route\.ts$/, "")
      .replaceAll("[", "{")
      .replaceAll("]", "}")}`;
    const methods = METHODS.filter((method) => method in module);
    expect(methods.length).toBeGreaterThan(0);
    for (const method of methods) {
      const handler = module[method];
      const declaration = declarationOf(typeof handler === "function" ? handler : undefined);
      expect(declaration, `${method} is not declared: give routeOf a declaration`).not.toBeNull();
      expect(declaration?.path).toBe(path);
      const listed = ALL_ROUTES.some((route) => route.method === method && route.declaration === declaration);
      expect(listed, `${method} ${path} is not in all-routes.ts`).toBe(true);
    }
  },
);

describe("every route", () => {
  test.each(
    ALL_ROUTES.map(
      ({ method, declaration }) => [`${method} ${declaration.path}`, { method, declaration }] as const,
    ),
  )("%s says who may repeat it, and takes what its path names", (_, { method, declaration }) => {
    const { input, path, repeated, fileBody, query } = declaration;
    const components: Components = new Map();
    const fields = input === undefined ? null : inputSchema(input, components);
    const hasRequestId = fields !== null && hasField(fields, "requestId");
    if (method === "POST") {
      expect(hasRequestId || repeated !== undefined, "take a requestId or say what `repeated` does").toBe(
        true,
      );
    }
    if (fields !== null && fileBody === undefined) {
      for (const name of paramNamesOf(path)) expect(hasField(fields, name), name).toBe(true);
    }
    if (method === "GET" && query !== undefined && "cursor" in query.shape) {
      const limit = inputSchema(query, components).properties as Record<string, { maximum?: number }>;
      expect(limit.limit?.maximum).toBeLessThanOrEqual(1_000);
    }
  });
});

async function complaintsOf(source: string): Promise<unknown[]> {
  const config = await createConfig({ extends: ["recommended"] });
  const problems = await lintFromString({ source, absoluteRef: "openapi.json", config });
  return problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer]);
}

test("the document is OpenAPI 3.1 by Redocly's recommended rules, which find what is wrong in one", async () => {
  expect(await complaintsOf(openApiText())).toEqual([]);
  const broken = openApiText().replaceAll("#/components/schemas/Failure", "#/components/schemas/Nowhere");
  expect(JSON.stringify(await complaintsOf(broken))).toContain("no-unresolved-refs");
});

test("what the path and the header say is in no body; named schemas are said once", () => {
  const { paths, components } = openApiDocument() as {
    paths: Record<string, Record<string, { requestBody?: unknown; parameters: unknown }>>;
    components: { schemas: Record<string, unknown> };
  };
  const snapshot = paths["/api/v1/nodes/{nodeId}/snapshots"]?.post;
  expect(JSON.stringify(snapshot?.requestBody)).toContain('"comment"');
  expect(JSON.stringify(snapshot?.requestBody)).not.toMatch(/requestId|nodeId/);
  expect(snapshot?.parameters).toEqual([
    { name: "nodeId", in: "path", required: true, schema: { type: "string" } },
    { $ref: "#/components/parameters/IdempotencyKey" },
  ]);
  expect(Object.keys(components.schemas)).toEqual(
    expect.arrayContaining(["Failure", "Job", "JobWithTasks", "Node", "Plan", "Problem", "Snapshot"]),
  );
  expect(openApiText()).not.toContain("#/$defs/");
  expect(RequestId.safeParse("short").success).toBe(false);
});

// The routes as people read them: the page about the API draws these rows. The same declarations as the OpenAPI document, shorter.
import { paramNamesOf } from "../v1/declaration.ts";
import { ALL_ROUTES, type DeclaredRoute, type Method } from "./all-routes.ts";
import { inputSchema, type JsonSchema, withoutFields } from "./schemas.ts";

export interface RouteWords {
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly permission: string;
  /** Names in the query string. */
  readonly query: readonly string[];
  /** Names in the body; those of all its forms together. */
  readonly body: readonly string[];
}

/** By what they are about: the word behind /api/v1/. */
export function routesByTopic(): ReadonlyMap<string, readonly RouteWords[]> {
  return Map.groupBy(ALL_ROUTES.map(wordsOf), ({ path }) => path.split("/")[3] ?? "");
}

function wordsOf({ method, declaration }: DeclaredRoute): RouteWords {
  const { path, summary, permission, query, input, fileBody } = declaration;
  const outside = [...paramNamesOf(path), "requestId"];
  const fields = input === undefined ? [] : namesOf(withoutFields(inputSchema(input, new Map()), outside));
  return {
    ...{ method, path, summary, permission },
    query: query === undefined ? [] : Object.keys(query.shape),
    body: fileBody === undefined ? fields : [fileBody.mediaType],
  };
}

function namesOf(schema: JsonSchema): string[] {
  const alternatives = [...((schema.anyOf ?? []) as JsonSchema[]), ...((schema.oneOf ?? []) as JsonSchema[])];
  const names = [...Object.keys((schema.properties ?? {}) as object), ...alternatives.flatMap(namesOf)];
  return [...new Set(names)];
}

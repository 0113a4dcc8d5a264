// zod schemas as JSON Schema for the OpenAPI document: named ones once under components, fields that do not come from the body left
// out.
import { z } from "zod";

export type JsonSchema = { [key: string]: unknown };

/** Named schemas by name, collected while a document is made. */
export type Components = Map<string, JsonSchema>;

/** An answer may gain fields in a later version, so none is forbidden. */
export function answerSchema(schema: z.ZodType, components: Components): JsonSchema {
  return converted(schema, "output", components);
}

export function inputSchema(schema: z.ZodType, components: Components): JsonSchema {
  return converted(schema, "input", components);
}

function converted(schema: z.ZodType, io: "input" | "output", components: Components): JsonSchema {
  // Wrapped, so that a schema with a name of its own becomes a reference, too.
  const whole = z.toJSONSchema(z.object({ it: schema }), { io, override: allowMore }) as JsonSchema;
  for (const [name, definition] of Object.entries((whole.$defs ?? {}) as Record<string, JsonSchema>)) {
    components.set(name, rewritten(definition));
  }
  return rewritten((whole.properties as Record<string, JsonSchema>).it ?? {});
}

function allowMore({ jsonSchema }: { jsonSchema: { additionalProperties?: unknown } }): void {
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
}

/** zod points into its own document; ours has the named schemas elsewhere. What only repeats the type is left out. */
function rewritten(value: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(value), (key: string, found: unknown) => {
    if (key === "$ref" && typeof found === "string") {
      return found.replace("#/$defs/", "#/components/schemas/");
    }
    if (key === "maximum" && found === Number.MAX_SAFE_INTEGER) return undefined;
    if (key === "minimum" && found === Number.MIN_SAFE_INTEGER) return undefined;
    if (key === "id" && typeof found === "string") return undefined;
    return found;
  });
}

/** The same schema without these fields, in each of its alternatives. */
export function withoutFields(schema: JsonSchema, names: readonly string[]): JsonSchema {
  const { properties, required, anyOf, oneOf, ...rest } = schema;
  const kept = Object.entries((properties ?? {}) as JsonSchema).filter(([name]) => !names.includes(name));
  const needed = ((required ?? []) as string[]).filter((name) => !names.includes(name));
  const each = (alternatives: unknown) =>
    (alternatives as JsonSchema[]).map((one) => withoutFields(one, names));
  return {
    ...rest,
    ...(properties === undefined ? {} : { properties: Object.fromEntries(kept) }),
    ...(needed.length === 0 ? {} : { required: needed }),
    ...(anyOf === undefined ? {} : { anyOf: each(anyOf) }),
    ...(oneOf === undefined ? {} : { oneOf: each(oneOf) }),
  };
}

/** Whether any alternative of the schema has this field. */
export function hasField(schema: JsonSchema, name: string): boolean {
  if (name in ((schema.properties ?? {}) as object)) return true;
  const alternatives = [...((schema.anyOf ?? []) as JsonSchema[]), ...((schema.oneOf ?? []) as JsonSchema[])];
  return alternatives.some((one) => hasField(one, name));
}

/** Whether a body of these fields must be sent at all. */
export function mustBeSent(schema: JsonSchema): boolean {
  if (((schema.required ?? []) as string[]).length > 0) return true;
  const alternatives = [...((schema.anyOf ?? []) as JsonSchema[]), ...((schema.oneOf ?? []) as JsonSchema[])];
  return alternatives.length > 0 && alternatives.every(mustBeSent);
}

export function isEmptyObject(schema: JsonSchema): boolean {
  return schema.type === "object" && Object.keys((schema.properties ?? {}) as object).length === 0;
}

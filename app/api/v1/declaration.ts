// What a route says of itself: where it is, who may call it, what it takes and what it answers. The handler reads its input through
// the same schemas that the OpenAPI document is made of (app/api/openapi), so that neither can say what the other does not.
import type { z } from "zod";
import type { Action } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";

/** An answer that is a file and no JSON. */
export interface FileAnswer {
  readonly mediaType: string;
  readonly description: string;
}

export type AnswerSchema = z.ZodType | FileAnswer;

export interface RouteDeclaration<
  Path extends string = string,
  Query extends z.ZodObject = z.ZodObject,
  Input extends z.ZodType = z.ZodType,
  Answer extends AnswerSchema = AnswerSchema,
> {
  /** Such as "/api/v1/nodes/{nodeId}"; a test compares it with the folder. */
  readonly path: Path;
  /** One short sentence. */
  readonly summary: string;
  readonly description?: string;
  /** Asked before anything is read; the command or query asks again. */
  readonly permission: Action;
  readonly query?: Query;
  /** The command's own schema. Its fields come from the body, but for those named in the path and `requestId`, which is the
   *  Idempotency-Key. */
  readonly input?: Input;
  /** The body is a file of this media type and the handler reads it; absent: JSON. */
  readonly fileBody?: FileAnswer;
  /** Of a JSON body; absent: 64 KiB. */
  readonly bodyBytesMax?: number;
  readonly answer: Answer;
  /** Absent: 200. */
  readonly status?: 200 | 201 | 202;
  /** Of a POST without a request id: what the same call a second time does. */
  readonly repeated?: string;
}

type NamesIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never;

export type ParamsOf<Path extends string> = { readonly [Name in NamesIn<Path>]: string };

/** Queries and commands answer with read-only types; zod's are writable. */
type ReadonlyDeep<Value> = Value extends object
  ? { readonly [Key in keyof Value]: ReadonlyDeep<Value[Key]> }
  : Value;

export type AnswerOf<Answer extends AnswerSchema> = Answer extends z.ZodType
  ? ReadonlyDeep<z.output<Answer>>
  : Response;

/** What a declared route's handler is given. */
export interface Asked<Path extends string, Query extends z.ZodObject, Input extends z.ZodType> {
  readonly viewer: Viewer;
  readonly params: ParamsOf<Path>;
  readonly query: z.output<Query>;
  readonly input: z.output<Input>;
  readonly request: Request;
}

/** The names in braces. */
export function paramNamesOf(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
}

export function isFileAnswer(answer: AnswerSchema): answer is FileAnswer {
  return "mediaType" in answer;
}

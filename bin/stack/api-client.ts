// The product's own HTTP API as a person's program would use it: sign in, ask, wish, follow a job. No inside knowledge.
import { setTimeout as delay } from "node:timers/promises";
import { CodedError, type FailureCode, isFailureCode } from "#lib/model/errors.ts";
import { isFinalJobState, type JobState } from "#lib/model/job.ts";

export interface JobView {
  readonly id: string;
  readonly title: string;
  readonly state: JobState;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly failure: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
  readonly tasks: readonly TaskView[];
}

export interface TaskView {
  readonly id: string;
  readonly nodeId: string | null;
  readonly nodeName: string | null;
  readonly state: string;
  readonly step: string;
  readonly snapshotId: string | null;
  readonly failure: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
  readonly report: Readonly<Record<string, unknown>> | null;
}

export interface SignIn {
  readonly email: string;
  readonly password: string;
}

/** Of a list that is read whole: beyond it something is wrong with the server. */
const PAGES_MAX = 10_000;
/** A job is asked after this often; the dashboard itself listens to events instead. */
const POLL_MS = 250;

export class ApiClient {
  readonly #origin: string;
  #cookie = "";
  #token: string | null = null;

  constructor(origin: string) {
    this.#origin = origin;
  }

  async signIn(signIn: SignIn): Promise<void> {
    const response = await fetch(`${this.#origin}/api/auth/sign-in/email`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: this.#origin },
      body: JSON.stringify(signIn),
    });
    if (!response.ok) throw await failureOf(response, "signing in");
    this.#cookie = response.headers
      .getSetCookie()
      .map((cookie) => cookie.split(";")[0])
      .join("; ");
  }

  /** Instead of signing in: a token from the settings page. */
  authorize(token: string): void {
    this.#token = token;
  }

  async get<Answer>(path: string): Promise<Answer> {
    return this.#ask<Answer>("GET", path);
  }

  /** All items of a list, or its first `max`, page by page. */
  async list<Item>(path: string, max = Number.POSITIVE_INFINITY): Promise<Item[]> {
    const items: Item[] = [];
    let next: string | null = null;
    for (let page = 0; page < PAGES_MAX && items.length < max; page += 1) {
      const cursor =
        next === null ? "" : `${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(next)}`;
      // An older server answers with everything at once and says nothing of a next page.
      const answer: { readonly items: readonly Item[]; readonly next?: string | null } = await this.get(
        `${path}${cursor}`,
      );
      items.push(...answer.items);
      next = answer.next ?? null;
      if (next === null) break;
    }
    return items.slice(0, max);
  }

  /** A file as the body. */
  async postFile<Answer>(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<Answer> {
    return this.#ask<Answer>("POST", path, bytes);
  }

  async post<Answer>(path: string, body: unknown, requestId?: string): Promise<Answer> {
    return this.#ask<Answer>("POST", path, body, requestId);
  }

  async put<Answer>(path: string, body: unknown): Promise<Answer> {
    return this.#ask<Answer>("PUT", path, body);
  }

  /** Resolves when the job has ended, whatever its end. */
  async followJob(jobId: string, onProgress: (job: JobView) => void, signal?: AbortSignal): Promise<JobView> {
    for (;;) {
      const job = await this.get<JobView>(`/api/v1/jobs/${jobId}`);
      onProgress(job);
      if (isFinalJobState(job.state)) return job;
      await delay(POLL_MS, undefined, { signal });
    }
  }

  async #ask<Answer>(method: string, path: string, body?: unknown, requestId?: string): Promise<Answer> {
    const isFile = body instanceof Uint8Array;
    const send = () =>
      fetch(`${this.#origin}${path}`, {
        method,
        headers: {
          ...(this.#token === null ? { cookie: this.#cookie } : { authorization: `Bearer ${this.#token}` }),
          origin: this.#origin,
          ...(body === undefined ? {} : { "content-type": isFile ? "text/csv" : "application/json" }),
          ...(requestId === undefined ? {} : { "idempotency-key": requestId }),
        },
        body: bodyOf(body),
      });
    // A kept-alive connection may be closed by the server just as we use it again. Asking twice is harmless for a
    // question, and for a wish with a request id.
    const repeatable = method === "GET" || requestId !== undefined;
    const response = await send().catch((cause: unknown) => {
      if (repeatable) return send();
      throw cause;
    });
    if (!response.ok) throw await failureOf(response, `${method} ${path}`);
    return (await response.json()) as Answer;
  }
}

function bodyOf(body: unknown): BodyInit | undefined {
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return JSON.stringify(body);
}

async function failureOf(response: Response, what: string): Promise<CodedError> {
  const text = await response.text();
  const problem = parseProblem(text);
  return new CodedError(problem.code, `${what}: ${response.status} ${problem.detail}`, {
    hint: problem.hint,
  });
}

function parseProblem(text: string): { code: FailureCode; detail: string; hint: string | undefined } {
  try {
    const problem = JSON.parse(text) as { code?: string; detail?: string; message?: string; hint?: string };
    const code = problem.code !== undefined && isFailureCode(problem.code) ? problem.code : "internal";
    return { code, detail: problem.detail ?? problem.message ?? text, hint: problem.hint };
  } catch {
    // Not a problem document: a proxy's or a crash's page; its first words say more than nothing.
    return { code: "internal", detail: text.slice(0, 300), hint: undefined };
  }
}

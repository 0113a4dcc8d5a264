// JobSlots runs jobs beside each other up to a bound. `run` resolves once the job is claimed (or was not to be had), so that its ticket
// can be given back; with all slots taken it waits for a free one first.
import { claimAndRun, type WorkerContext } from "./run-job.ts";

export class JobSlots {
  readonly #context: WorkerContext;
  readonly #atOnceMax: number;
  readonly #running = new Set<Promise<void>>();

  constructor(context: WorkerContext, atOnceMax: number) {
    this.#context = context;
    this.#atOnceMax = atOnceMax;
  }

  async run(jobId: string): Promise<void> {
    while (this.#running.size >= this.#atOnceMax) await Promise.race(this.#running);
    if (this.#context.stopping.aborted) return;
    const run = await claimAndRun(jobId, this.#context);
    if (run === null) return;
    const ended: Promise<void> = run.ended.finally(() => this.#running.delete(ended));
    this.#running.add(ended);
  }

  /** As `run`, but with all slots taken it does nothing: for callers that come again and must not wait. */
  async runIfFree(jobId: string): Promise<void> {
    if (this.#running.size < this.#atOnceMax) await this.run(jobId);
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.race(this.#running);
  }
}

// Canary, then waves: whether the next PCs may begin, decided from the run's policy and from what became of those before. A pure
// reducer: the whole state of a run comes in, the one next deed goes out, and a worker started anew decides the same.
import type { FinalRunState, WavePolicy } from "#lib/model/schedule.ts";
import { totalOf, type WaveResult } from "#lib/model/wave-result.ts";

export interface Wave {
  readonly nodeIds: readonly string[];
  /** Null: under way. */
  readonly result: WaveResult | null;
}

export interface RunProgress {
  /** In the order of their turn. */
  readonly nodeIds: readonly string[];
  readonly policy: WavePolicy;
  readonly waves: readonly Wave[];
  /** Why no further PC may begin: the window has ended, a person said so. Null: they may. */
  readonly stopBecause: string | null;
}

export type NextDeed =
  | { readonly deed: "wait" }
  | { readonly deed: "begin"; readonly index: number; readonly nodeIds: readonly string[] }
  | { readonly deed: "end"; readonly state: FinalRunState; readonly reason: string | null };

export function decideNext(run: RunProgress): NextDeed {
  if (run.waves.some((wave) => wave.result === null)) return { deed: "wait" };
  const begun = run.waves.reduce((count, wave) => count + wave.nodeIds.length, 0);
  const rest = run.nodeIds.slice(begun);
  const stop = rest.length === 0 ? null : (tooManyFailed(run) ?? run.stopBecause);
  if (rest.length === 0 || stop !== null) return endOf(run, stop, rest.length);
  const size = nextSize(run);
  const nodeIds = size === 0 ? rest : rest.slice(0, size);
  return { deed: "begin", index: run.waves.length, nodeIds };
}

/** Until one PC was really tried, the next are canaries, too: one that is switched off proves nothing. */
function nextSize({ policy, waves }: RunProgress): number {
  if (policy.canaryCount === 0) return policy.waveSize;
  const tried = waves.some(({ result }) => result !== null && result.succeeded + result.failed > 0);
  return tried ? policy.waveSize : policy.canaryCount;
}

function tooManyFailed({ policy, waves }: RunProgress): string | null {
  const last = waves.at(-1)?.result ?? null;
  if (last === null) return null;
  const tried = last.succeeded + last.failed;
  if (tried === 0 || (100 * last.failed) / tried <= policy.failPercentMax) return null;
  const who = policy.canaryCount > 0 && isFirstTried(waves) ? "canaries" : `PCs of wave ${waves.length}`;
  return `${last.failed} of ${tried} ${who} failed, more than ${policy.failPercentMax} %`;
}

function isFirstTried(waves: readonly Wave[]): boolean {
  return waves.filter(({ result }) => result !== null && result.succeeded + result.failed > 0).length === 1;
}

function endOf({ waves }: RunProgress, stop: string | null, untouched: number): NextDeed {
  const sum = totalOf(waves.flatMap(({ result }) => (result === null ? [] : [result])));
  const pcs = untouched === 1 ? "1 PC was not begun" : `${untouched} PCs were not begun`;
  return {
    deed: "end",
    state: stateOf(sum, untouched),
    reason: stop === null ? null : `${stop}; ${pcs}.`,
  };
}

function stateOf({ succeeded, failed, cancelled }: WaveResult, untouched: number): FinalRunState {
  const bad = failed + cancelled + untouched;
  if (succeeded > 0) return bad === 0 ? "succeeded" : "partial";
  if (failed > 0) return "failed";
  return cancelled + untouched > 0 ? "cancelled" : "skipped";
}

/** Those heard of go first: a canary that is switched off would only hold up the others. */
export function inTurn(
  nodes: readonly { readonly id: string; readonly name: string; readonly online: boolean }[],
): string[] {
  return [...nodes]
    .sort(
      (left, right) =>
        Number(right.online) - Number(left.online) ||
        left.name.localeCompare(right.name, "en", { numeric: true }),
    )
    .map(({ id }) => id);
}

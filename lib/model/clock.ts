// The world's two sources of surprise, as arguments: tests own time and chance by passing their own.

export interface Clock {
  /** Milliseconds since 1970 UTC. For people and records only: no safety decision looks at a clock. */
  nowMs(): number;
}

export interface Random {
  /** `count` unpredictable bytes. */
  bytes(count: number): Uint8Array;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

export const systemRandom: Random = {
  bytes: (count) => globalThis.crypto.getRandomValues(new Uint8Array(count)),
};

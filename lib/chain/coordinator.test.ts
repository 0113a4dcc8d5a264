import { describe, expect, test } from "vitest";
import { chainCount } from "./chain-count.ts";
import { Coordinator, LOBBY_MS, type NodeReport, REPORT_SILENCE_MS } from "./coordinator.ts";

const SOURCE = { nodeId: "gateway", address: null };

function report(nodeId: string, change: Partial<NodeReport> = {}): NodeReport {
  return {
    nodeId,
    address: { host: `10.0.0.${nodeId.charCodeAt(0)}`, port: 1 },
    ...{ epoch: -1, rank: -1, lackingBytes: 100, isScanned: true, isDone: false, attachedTo: null },
    ...{ childIds: [], backlogs: {}, losses: [], receivedBytes: 0, sentBytes: 0, writtenBytes: 0 },
    ...change,
  };
}

const make = (expected: string[], chains = 1) => new Coordinator({ expected, chains, source: SOURCE });
const above = (place: { upstreams: readonly { nodeId: string }[] } | null) =>
  place?.upstreams.map(({ nodeId }) => nodeId) ?? null;

describe("the first order", () => {
  test("waits for all that are expected, then puts those that lack most first", () => {
    const coordinator = make(["a", "b", "c"]);
    expect(coordinator.report(report("a", { lackingBytes: 10 }), 0)).toBeNull();
    expect(coordinator.report(report("b", { lackingBytes: 1000 }), 10)).toBeNull();
    expect(above(coordinator.report(report("c", { lackingBytes: 100 }), 20))).toEqual(["b", "gateway"]);
    expect(above(coordinator.report(report("a", { lackingBytes: 10 }), 30))).toEqual(["c", "b", "gateway"]);
  });

  test("does not wait for ever", () => {
    const coordinator = make(["a", "b"]);
    expect(coordinator.report(report("a"), 0)).toBeNull();
    expect(above(coordinator.report(report("a"), LOBBY_MS))).toEqual(["gateway"]);
    expect(above(coordinator.report(report("b"), LOBBY_MS + 1))).toEqual(["a", "gateway"]);
  });

  test("makes several chains side by side", () => {
    const coordinator = make(["a", "b", "c", "d"], 2);
    for (const id of ["a", "b", "c", "d"]) coordinator.report(report(id), 0);
    const places = ["a", "b", "c", "d"].map((id) => above(coordinator.report(report(id), 1)));
    expect(places).toEqual([["gateway"], ["gateway"], ["a", "gateway"], ["b", "gateway"]]);
  });
});

describe("later", () => {
  function three() {
    const coordinator = make(["a", "b", "c"]);
    for (const id of ["a", "b", "c"]) coordinator.report(report(id), 0);
    return coordinator;
  }

  test("one that has fallen silent is passed over, and stands last when it is back", () => {
    const coordinator = three();
    coordinator.report(report("c"), REPORT_SILENCE_MS - 1);
    coordinator.report(report("a"), REPORT_SILENCE_MS - 1);
    expect(above(coordinator.report(report("c"), REPORT_SILENCE_MS))).toEqual(["a", "gateway"]);
    const back = coordinator.report(report("b", { epoch: 1, rank: 1 }), REPORT_SILENCE_MS + 1);
    expect(above(back)).toEqual(["c", "a", "gateway"]);
    expect(coordinator.takeMoves()).toEqual([{ nodeId: "b", why: "came-back" }]);
  });

  test("a neighbour's word that one is gone holds unless it speaks", () => {
    const coordinator = three();
    const loss = { losses: [{ nodeId: "b", why: "closed" as const }] };
    coordinator.report(report("c", loss), 100);
    coordinator.report(report("b", { epoch: 1, rank: 1 }), 200);
    expect(above(coordinator.report(report("c"), 1_000))).toEqual(["b", "a", "gateway"]);
    coordinator.report(report("c", loss), 1_100);
    expect(above(coordinator.report(report("c"), 2_000))).toEqual(["a", "gateway"]);
  });

  test("one that is done is let go when nobody takes pages from it", () => {
    const coordinator = three();
    const done = { isDone: true, epoch: 1, rank: 0 };
    expect(coordinator.report(report("a", { ...done, childIds: ["b"] }), 10)?.isReleased).toBe(false);
    coordinator.report(report("b", { isDone: true, epoch: 1, rank: 1 }), 20);
    expect(coordinator.report(report("a", done), 30)?.isReleased).toBe(true);
  });

  /** b hangs below a, which always has pages for it, and takes `share` of what a gets. */
  const below = (coordinator: Coordinator, share: number) => (ms: number) => {
    const above = { epoch: 1, rank: 0, childIds: ["b"], attachedTo: "gateway", receivedBytes: ms * 100 };
    coordinator.report(report("a", { ...above, backlogs: { b: 50 } }), ms);
    coordinator.report(
      report("b", { epoch: 1, rank: 1, attachedTo: "a", receivedBytes: share * ms * 100 }),
      ms,
    );
    return coordinator.report(report("c", { epoch: 1, rank: 2 }), ms);
  };

  test("a slow line with others behind it goes to the tail, and not twice in a row", () => {
    const coordinator = three();
    const at = below(coordinator, 0.5);
    for (let ms = 100; ms < 11_000; ms += 1_000) expect(above(at(ms))).toEqual(["b", "a", "gateway"]);
    at(11_200);
    expect(above(at(11_300))).toEqual(["a", "gateway"]);
    expect(coordinator.takeMoves()).toEqual([{ nodeId: "b", why: "slow-line" }]);
  });

  test("where all lines are equally fast, pages that wait are no sign of a slow one", () => {
    const coordinator = three();
    const at = below(coordinator, 0.95);
    for (let ms = 100; ms < 60_000; ms += 500) expect(above(at(ms))).toEqual(["b", "a", "gateway"]);
  });

  test("a slow first line is tried elsewhere, once, and only while others wait behind it", () => {
    const coordinator = three();
    const at = below(coordinator, 1);
    const moved: unknown[] = [];
    for (let ms = 100; ms < 60_000; ms += 500) {
      at(ms);
      coordinator.hearSource({ a: 50 }, 1000, ms);
      moved.push(...coordinator.takeMoves());
    }
    expect(moved).toEqual([{ nodeId: "a", why: "slow-line" }]);
  });

  test("one that begins anew keeps every rank it is told", () => {
    const coordinator = make(["a", "b"]);
    coordinator.report(report("a", { epoch: 9, rank: 4 }), 0);
    const place = coordinator.report(report("b", { epoch: 9, rank: 7 }), 10);
    expect(place).toMatchObject({ rank: 7, upstreams: [{ nodeId: "a" }, { nodeId: "gateway" }] });
    expect(place?.epoch).toBeGreaterThan(9);
  });
});

test("a faster line of the gateway feeds more chains, and never more than there are PCs", () => {
  expect(chainCount(30, { gatewayMbit: 1_000, pcMbit: 1_000 })).toBe(1);
  expect(chainCount(30, { gatewayMbit: 10_000, pcMbit: 1_000 })).toBe(10);
  expect(chainCount(6, { gatewayMbit: 10_000, pcMbit: 1_000 })).toBe(6);
  expect(chainCount(30, { gatewayMbit: 100, pcMbit: 1_000 })).toBe(1);
});

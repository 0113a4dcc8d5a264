import { describe, expect, test } from "vitest";
import { NewKeyRate } from "./new-key-rate.ts";

/** A rate on a clock the test owns. */
function rateAt() {
  const clock = { ms: 0 };
  const rate = new NewKeyRate(() => clock.ms);
  const takeAll = (address: string) => {
    let count = 0;
    while (count < 1_000 && rate.take(address)) count += 1;
    return count;
  };
  return { clock, rate, takeAll };
}

describe("unknown keys per address", () => {
  test("a classroom at once, then sixty a minute, and never more than a classroom saved up", () => {
    const { clock, takeAll } = rateAt();
    expect(takeAll("10.0.0.1")).toBe(200);
    expect(takeAll("10.0.0.1")).toBe(0);
    clock.ms += 60_000;
    expect(takeAll("10.0.0.1")).toBe(60);
    clock.ms += 24 * 3_600_000;
    expect(takeAll("10.0.0.1")).toBe(200);
  });

  test("one address's flood is no other's", () => {
    const { takeAll } = rateAt();
    expect(takeAll("10.0.0.1")).toBe(200);
    expect(takeAll("10.0.0.2")).toBe(200);
  });

  test("an IPv4 address counts once, however it is written; an IPv6 network counts as one", () => {
    const { rate, takeAll } = rateAt();
    expect(takeAll("10.0.0.1")).toBe(200);
    expect(rate.take("::ffff:10.0.0.1")).toBe(false);
    expect(takeAll("2001:db8::1")).toBe(200);
    for (const same of ["2001:db8::2", "2001:0DB8:0:0:ffff::1", "2001:db8:0:0:1:2:3:4"]) {
      expect(rate.take(same)).toBe(false);
    }
    for (const other of ["2001:db8:0:1::1", "2001:db9::1", "::1"]) expect(rate.take(other)).toBe(true);
  });

  test("many addresses do not fill the memory, and the one that floods is not forgotten for them", () => {
    const { rate, takeAll } = rateAt();
    expect(takeAll("10.0.0.1")).toBe(200);
    for (let number = 0; number < 25_000; number += 1) {
      rate.take(`172.${number >> 16}.${(number >> 8) & 255}.${number & 255}`);
    }
    expect(rate.addressCount).toBeLessThanOrEqual(10_000);
    expect(rate.take("10.0.0.1")).toBe(false);
  });
});

// Messages recorded from protocol 1 must be understood for ever: agents in a cupboard are switched on after years.
import { expect, test } from "vitest";
import type { z } from "zod";
import * as control from "./control.ts";
import recorded from "./fixtures/protocol-1.json" with { type: "json" };

const schemas: Readonly<Record<keyof typeof recorded, z.ZodType>> = {
  EnrolRequest: control.EnrolRequest,
  EnrolResponse: control.EnrolResponse,
  HelloRequest: control.HelloRequest,
  HelloResponse: control.HelloResponse,
  LeaseRequest: control.LeaseRequest,
  LeaseResponse: control.LeaseResponse,
  HeartbeatRequest: control.HeartbeatRequest,
  HeartbeatResponse: control.HeartbeatResponse,
  OfferResponse: control.OfferResponse,
  FinishImageResponse: control.FinishImageResponse,
  ResultRequest: control.ResultRequest,
  ResultResponse: control.ResultResponse,
  ErrorResponse: control.ErrorResponse,
};

for (const [name, schema] of Object.entries(schemas)) {
  const messages = Object.entries(recorded).find(([key]) => key === name)?.[1] ?? [];
  test(`protocol 1: every recorded ${name} is understood, and its meaning kept`, () => {
    expect(messages.length).toBeGreaterThan(0);
    for (const message of messages) expect(schema.parse(message)).toEqual(message);
  });

  test(`a ${name} with a field of a later version is understood`, () => {
    for (const message of messages) expect(schema.parse({ ...message, laterField: 1 })).toEqual(message);
  });
}

test("a node's words are bounded", () => {
  const disk = { serial: "S", model: "", sizeBytes: 1, sectorSize: 512, partitions: [] };
  const hello = { protocolVersion: 1, agentVersion: "1", disks: [disk] };
  expect(control.HelloRequest.safeParse(hello).success).toBe(true);
  for (const wrong of [
    { ...hello, disks: Array(17).fill(disk) },
    { ...hello, disks: [{ ...disk, model: "x".repeat(129) }] },
    { ...hello, disks: [{ ...disk, sizeBytes: -1 }] },
    { ...hello, disks: [{ ...disk, sizeBytes: 1.5 }] },
    { ...hello, disks: [{ ...disk, serial: "" }] },
    { ...hello, agentVersion: "x".repeat(1000) },
  ]) {
    expect(control.HelloRequest.safeParse(wrong).success).toBe(false);
  }
});

test("a failure's words reach the server without what its rows cannot hold", () => {
  const failure = { code: "source-read-failed", message: "sector \0 of S\0", hint: null };
  expect(control.ResultRequest.parse({ outcome: "failed", failure })).toMatchObject({
    failure: { message: "sector  of S" },
  });
});

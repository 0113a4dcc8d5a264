// Restoring: only what differs, in a safe order, right bytes or a named error. In memory, in this thread.
import { describe, expect, test } from "vitest";
import { changed, joined, newBench, noise, PAGE, targetOf } from "./test-bench.ts";

async function archived(bytes: Uint8Array) {
  const bench = await newBench();
  const snapshot = await bench.archive(bytes);
  const restoreOnto = async (present: Uint8Array) => {
    const target = targetOf(present);
    return { target, report: await bench.repository.restore(snapshot.id, "sda1", target) };
  };
  return { bench, snapshot, restoreOnto };
}

const disk = joined(noise(5 * PAGE), new Uint8Array(3 * PAGE), noise(2 * PAGE + 100, 2));

describe("what is written", () => {
  test("RS-1: nothing, when nothing differs", async () => {
    const { restoreOnto } = await archived(disk);
    const { target, report } = await restoreOnto(disk.slice());
    expect(target.deeds).toEqual(["flush"]);
    expect(report).toMatchObject({ readBytes: disk.length, differingBytes: 0, writtenBytes: 0 });
  });

  test("RS-1, RS-3: 4 KiB where one byte differs, with the first 4 KiB blanked before and written last", async () => {
    const { restoreOnto } = await archived(disk);
    const { target, report } = await restoreOnto(changed(disk, 2 * PAGE + 5000));
    expect(Buffer.compare(target.bytes, disk)).toBe(0);
    const at = 2 * PAGE + 4096;
    expect(target.deeds).toEqual([
      "write 0+4096",
      "flush",
      `write ${at}+4096`,
      "flush",
      "write 0+4096",
      "flush",
    ]);
    expect(report).toMatchObject({ differingBytes: PAGE, writtenBytes: 3 * 4096 });
  });

  test("RS-3: of page 0 alone, too, the first 4 KiB are blanked before and written last", async () => {
    const { restoreOnto } = await archived(disk);
    const { target } = await restoreOnto(changed(disk, 9000));
    expect(target.deeds).toEqual([
      "write 0+4096",
      "flush",
      "write 8192+4096",
      "flush",
      "write 0+4096",
      "flush",
    ]);
    expect(Buffer.compare(target.bytes, disk)).toBe(0);
  });

  test("RS-3: the first 4 KiB alone need no blanking", async () => {
    const { restoreOnto } = await archived(disk);
    const { target } = await restoreOnto(changed(disk, 17));
    expect(target.deeds).toEqual(["write 0+4096", "flush"]);
  });

  test("RS-1: 1 MiB of zeros is zeroed in one stretch, of less only what differs is written", async () => {
    const zeros = joined(noise(PAGE), new Uint8Array(4 * PAGE), noise(PAGE, 2), new Uint8Array(3 * PAGE));
    const { restoreOnto } = await archived(zeros);
    const { target, report } = await restoreOnto(
      changed(zeros, PAGE, 2 * PAGE, 3 * PAGE, 5 * PAGE - 1, 6 * PAGE, 8 * PAGE + 9000),
    );
    expect(target.deeds.filter((deed) => deed.startsWith("zero"))).toEqual([`zero ${PAGE}+${4 * PAGE}`]);
    expect(Buffer.compare(target.bytes, zeros)).toBe(0);
    expect(report.writtenBytes).toBe(4 * PAGE + 2 * 4096 + 2 * 4096);
  });

  test("RS-1: a target known to be blank is read back where it was written, and nowhere else", async () => {
    const { bench, snapshot } = await archived(disk);
    const target = targetOf(new Uint8Array(disk.length));
    const reads: number[] = [];
    const read = async (at: number, into: Uint8Array) => {
      for (let page = at / PAGE; page < (at + into.length) / PAGE; page++) reads.push(Math.floor(page));
      await target.read(at, into);
    };
    const report = await bench.repository.restore(snapshot.id, "sda1", { ...target, read, isBlank: true });
    expect(Buffer.compare(target.bytes, disk)).toBe(0);
    expect(report).toMatchObject({ differingBytes: 7 * PAGE + 100, writtenBytes: 7 * PAGE + 100 });
    // Page 0 is looked at once more, to see whether its beginning must be blanked.
    expect(reads.sort((a, b) => a - b)).toEqual([0, 0, 1, 2, 3, 4, 8, 9, 10]);
  });

  test("RS-6: what lies beyond the image is left alone", async () => {
    const { restoreOnto } = await archived(disk);
    const beyond = noise(PAGE, 8);
    const { target } = await restoreOnto(joined(noise(disk.length, 9), beyond));
    expect(Buffer.compare(target.bytes, joined(disk, beyond))).toBe(0);
  });

  test("RS-6: a target that is too small is refused untouched", async () => {
    const { bench, snapshot } = await archived(disk);
    const target = targetOf(new Uint8Array(disk.length - 1));
    const work = bench.repository.restore(snapshot.id, "sda1", target);
    await expect(work).rejects.toMatchObject({ code: "target-too-small" });
    expect(target.deeds).toEqual([]);
  });

  for (const size of [1, 100, 4096, 4097]) {
    test(`an image of ${size} bytes is restored over anything`, async () => {
      const { restoreOnto } = await archived(noise(size));
      const { target } = await restoreOnto(noise(size, 3));
      expect(Buffer.compare(target.bytes, noise(size))).toBe(0);
    });
  }
});

describe("what may go wrong", () => {
  test("RS-3, RS-4: interrupted at any deed, the target is not whole, and the repeated restore makes it so", async () => {
    const { bench, snapshot } = await archived(disk);
    const full = targetOf(noise(disk.length, 5));
    await bench.repository.restore(snapshot.id, "sda1", full);
    for (let deadline = 1; deadline < full.deeds.length - 1; deadline += 3) {
      const target = targetOf(noise(disk.length, 5));
      const write = target.write;
      const dying = {
        ...target,
        write: async (at: number, bytes: Uint8Array) => {
          if (target.deeds.length >= deadline) throw new Error("power cut");
          await write(at, bytes);
        },
      };
      await expect(bench.repository.restore(snapshot.id, "sda1", dying)).rejects.toThrow("power cut");
      expect(target.bytes.subarray(0, 4096).every((byte) => byte === 0)).toBe(true);
      await bench.repository.restore(snapshot.id, "sda1", target);
      expect(Buffer.compare(target.bytes, disk)).toBe(0);
    }
  });

  test("RS-5: a target that does not keep what is written to it is found out", async () => {
    const { bench, snapshot } = await archived(disk);
    const target = targetOf(new Uint8Array(disk.length));
    const lying = {
      ...target,
      write: async (at: number, bytes: Uint8Array) => target.write(at, bytes.subarray(0, bytes.length - 1)),
    };
    const work = bench.repository.restore(snapshot.id, "sda1", lying);
    await expect(work).rejects.toMatchObject({ code: "target-write-failed" });
  });

  test("RS-5: a flush that fails while writing goes on fails the restore, though later ones succeed", async () => {
    const { bench, snapshot } = await archived(joined(...new Array<Uint8Array>(520).fill(noise(PAGE))));
    const target = targetOf(new Uint8Array(520 * PAGE));
    let flushCount = 0;
    let writesAtFailure = 0;
    const flush = async () => {
      flushCount += 1;
      if (flushCount > 1) return;
      writesAtFailure = target.deeds.length;
      throw new Error("the disk is gone");
    };
    const work = bench.repository.restore(snapshot.id, "sda1", { ...target, flush });
    await expect(work).rejects.toThrow("the disk is gone");
    expect(writesAtFailure).toBe(512);
    expect(target.bytes.subarray(0, 4096).every((byte) => byte === 0)).toBe(true);
  });

  test("RS-2: a flipped bit in any file gives right bytes or a named error", async () => {
    const small = joined(noise(PAGE + 5000), new Uint8Array(PAGE));
    const { bench, snapshot } = await archived(small);
    await bench.repository.close();
    for (const file of await bench.storage.list("")) {
      for (let bit = 3; bit < file.sizeBytes * 8; bit += Math.ceil(file.sizeBytes / 3) * 8 + 1) {
        bench.storage.flipBit(file.name, bit);
        await expectRightOrNamed(bench, snapshot.id, small);
        bench.storage.flipBit(file.name, bit);
      }
    }
  });

  test("a snapshot or partition that is not there is named", async () => {
    const { bench, snapshot } = await archived(disk);
    await expect(bench.repository.openImage("snap_-", "sda1")).rejects.toMatchObject({
      code: "snapshot-unknown",
    });
    await expect(bench.repository.openImage(snapshot.id, "sda9")).rejects.toMatchObject({
      code: "input-invalid",
    });
  });
});

type Archived = Awaited<ReturnType<typeof archived>>;

async function expectRightOrNamed(bench: Archived["bench"], id: string, wanted: Uint8Array): Promise<void> {
  const target = targetOf(noise(wanted.length, 6));
  try {
    const repository = await bench.reopen({ access: "read" });
    await repository.restore(id, "sda1", target);
  } catch (error) {
    expect(error).toHaveProperty("code");
    expect((error as { code: string }).code).not.toBe("internal");
    return;
  }
  expect(Buffer.compare(target.bytes, wanted)).toBe(0);
}

describe("reading pages", () => {
  test("each wanted page is delivered once, whatever the order asked for", async () => {
    const { bench, snapshot } = await archived(disk);
    const reader = await bench.repository.openImage(snapshot.id, "sda1");
    const seen = new Map<number, number>();
    await reader.readPages([9, 0, 3, 3, 6], async (record, bytes) => {
      const at = record.index * PAGE;
      seen.set(record.index, (seen.get(record.index) ?? 0) + 1);
      expect(Buffer.compare(bytes, disk.subarray(at, at + record.lengthBytes))).toBe(0);
    });
    expect([...seen].sort()).toEqual([
      [0, 1],
      [3, 1],
      [6, 1],
      [9, 1],
    ]);
    await expect(reader.readPages([11], async () => undefined)).rejects.toMatchObject({
      code: "input-invalid",
    });
  });

  test("records tell length, fill byte and content hash, clipped at the end", async () => {
    const { bench, snapshot } = await archived(disk);
    const reader = await bench.repository.openImage(snapshot.id, "sda1");
    const records = await reader.pageRecords(5, 100);
    expect(records.map((record) => [record.index, record.lengthBytes, record.fillByte])).toEqual([
      [5, PAGE, 0],
      [6, PAGE, 0],
      [7, PAGE, 0],
      [8, PAGE, null],
      [9, PAGE, null],
      [10, 100, null],
    ]);
  });

  test("RS-7: more pages than one group, and more segments than one portion, come whole and once", async () => {
    const bytes = noise(300 * PAGE);
    const { bench, snapshot } = await archived(bytes);
    const reader = await bench.repository.openImage(snapshot.id, "sda1");
    const seen: number[] = [];
    await reader.readPages([...Array(300).keys()].reverse(), async (record, page) => {
      seen.push(record.index);
      expect(Buffer.compare(page, bytes.subarray(record.index * PAGE, (record.index + 1) * PAGE))).toBe(0);
    });
    expect(seen.sort((a, b) => a - b)).toEqual([...Array(300).keys()]);
  });
});

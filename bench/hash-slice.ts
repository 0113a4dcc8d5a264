// Reads a part of a file and hashes its pages that are not all zero, and nothing else: one process per core gives the
// machine's limit. Prints the seconds it took, without those of its own start.
// Usage: hash-slice.ts FILE OFFSET LENGTH
import { closeSync, openSync, readSync } from "node:fs";
import { fillByteOf, hashPage, PAGE_BYTES } from "#lib/page/page.ts";

const [path = "", offsetText = "", lengthText = ""] = process.argv.slice(2);
const startedMs = performance.now();
const end = Number(offsetText) + Number(lengthText);
const buffer = new Uint8Array(PAGE_BYTES);
const file = openSync(path, "r");
for (let offset = Number(offsetText); offset < end; offset += PAGE_BYTES) {
  const bytesRead = readSync(file, buffer, 0, Math.min(PAGE_BYTES, end - offset), offset);
  const page = buffer.subarray(0, bytesRead);
  if (fillByteOf(page) !== 0) hashPage(page);
}
closeSync(file);
process.stdout.write(JSON.stringify({ seconds: (performance.now() - startedMs) / 1000 }));

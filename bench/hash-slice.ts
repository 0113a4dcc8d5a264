// Hashes a part of a file page by page, and nothing else: one process per core gives the machine's limit.
// Usage: hash-slice.ts FILE OFFSET LENGTH
import { closeSync, openSync, readSync } from "node:fs";
import { hashPage, PAGE_BYTES } from "#lib/page/page.ts";

const [path = "", offsetText = "", lengthText = ""] = process.argv.slice(2);
const end = Number(offsetText) + Number(lengthText);
const page = new Uint8Array(PAGE_BYTES);
const file = openSync(path, "r");
for (let offset = Number(offsetText); offset < end; offset += PAGE_BYTES) {
  const bytesRead = readSync(file, page, 0, Math.min(PAGE_BYTES, end - offset), offset);
  hashPage(page.subarray(0, bytesRead));
}
closeSync(file);

// What helps people recognise a PC in the enrolment inbox: the MAC of its first real network card and the serial number on its
// case. Hints only: either can be forged or absent, and neither is ever trusted.
import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";

export interface Hints {
  readonly macAddress?: string;
  readonly serialNumber?: string;
}

export async function collectHints(): Promise<Hints> {
  const macAddress = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find((address) => !address.internal && address.mac !== "00:00:00:00:00:00")?.mac;
  const serialNumber = await readFile("/sys/class/dmi/id/product_serial", "utf8").then(
    (text) => text.trim().slice(0, 128),
    () => "", // Readable by root only, and absent on some boards.
  );
  return {
    ...(macAddress === undefined ? {} : { macAddress }),
    ...(serialNumber === "" ? {} : { serialNumber }),
  };
}

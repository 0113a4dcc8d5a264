// Whether Windows has let go of an NTFS volume. After a crash its log holds changes that are still to be made; after hibernation or a
// shutdown with fast start-up, which is what Windows does unless told otherwise, it goes on with what it remembers of the files. Either way
// it may write old bytes over new ones.
// Facts: the two restart pages at the beginning of $LogFile, as the Linux-NTFS project describes them and ntfs-3g judges them.
import type { NtfsRecord, Stretch } from "./ntfs-records.ts";

const RESTART_MARK = Buffer.from("RSTR", "latin1");
const LOG_RECORD_NUMBER = 2;
const ATTRIBUTE_DATA = 0x80;
const SECTOR_BYTES = 512;
/** No two bytes at a sector's end are read. */
const READABLE_BYTES = SECTOR_BYTES - 2;
const NO_CLIENT = 0xffff;
const IS_CLEAN = 2;
/** Written by Windows 8 and later while it keeps changes to itself. */
const MAJOR_VERSION_UNFINISHED = 2;
/** In a log there are two; what else looks like one lies in some file. */
const PAGES_MAX = 4096;

interface RestartPage {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly sequence: bigint;
  readonly isClean: boolean;
}

export class NtfsLog {
  readonly #pages: RestartPage[] = [];
  readonly #logs: Stretch[] = [];

  take({ number, attributes }: NtfsRecord): void {
    if (number !== LOG_RECORD_NUMBER) return;
    const data = attributes.find(({ kind }) => kind === ATTRIBUTE_DATA)?.stretches[0];
    if (data !== undefined && this.#logs.length < PAGES_MAX) this.#logs.push(data);
  }

  push(bytes: Buffer, offsetBytes: number): void {
    for (let at = bytes.indexOf(RESTART_MARK); at !== -1; at = bytes.indexOf(RESTART_MARK, at + 1)) {
      if ((offsetBytes + at) % SECTOR_BYTES !== 0 || at + SECTOR_BYTES > bytes.length) continue;
      const page = restartPageIn(bytes.subarray(at, at + READABLE_BYTES), offsetBytes + at);
      if (page !== null && this.#pages.length < PAGES_MAX) this.#pages.push(page);
    }
  }

  /** Of the volume's two restart pages the later one counts. With none the log is empty, as ntfs-3g and mkfs.ntfs leave it. */
  get isUnfinished(): boolean {
    return this.#logs.some(({ offsetBytes }) => {
      const first = this.#pages.find((page) => page.offsetBytes === offsetBytes);
      const second = this.#pages.find(
        (page) => page.offsetBytes === offsetBytes + (first?.sizeBytes ?? 4096),
      );
      const later =
        first !== undefined && second !== undefined && second.sequence > first.sequence
          ? second
          : (first ?? second);
      return later !== undefined && !later.isClean;
    });
  }
}

function restartPageIn(page: Buffer, offsetBytes: number): RestartPage | null {
  const area = page.readUInt16LE(24);
  if (area + 16 > page.length) return null;
  const isLetGo =
    page.readUInt16LE(area + 12) === NO_CLIENT || (page.readUInt16LE(area + 14) & IS_CLEAN) !== 0;
  return {
    offsetBytes,
    sizeBytes: page.readUInt32LE(16),
    sequence: page.readBigUInt64LE(area),
    isClean: isLetGo && page.readUInt16LE(28) < MAJOR_VERSION_UNFINISHED,
  };
}

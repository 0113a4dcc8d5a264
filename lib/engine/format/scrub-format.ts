// What scrub remembers of each pack (docs/repository-format.md §8): a cache, which may be deleted at any time.
import { ensure } from "./bytes.ts";
import {
  decodeTextFile,
  encodeTextFile,
  FORMAT_VERSION,
  listField,
  objectOf,
  type TextFileKind,
  textField,
} from "./text-file.ts";

export const SCRUB_FILE = "scrub/results";

export interface PackResult {
  readonly name: string;
  /** When its file was last hashed, and when last decoded whole; ISO 8601, null for never. */
  readonly lightAt: string | null;
  readonly deepAt: string | null;
  /** What was wrong with it at the last look. */
  readonly problem: string | null;
}

const SCRUB: TextFileKind = { magic: "SHEEPFOLD SCRUB", domain: "sheepfold-scrub-v1" };

export function encodeResults(repositoryId: string, packs: readonly PackResult[]): Uint8Array {
  return encodeTextFile(SCRUB, { format: FORMAT_VERSION, repositoryId, packs });
}

export function decodeResults(repositoryId: string, bytes: Uint8Array): PackResult[] {
  const fields = decodeTextFile(SCRUB, bytes);
  ensure(fields.repositoryId === repositoryId, "it belongs to another repository");
  return listField(fields, "packs").map((each) => {
    const pack = objectOf(each, "a pack");
    const textOrNull = (name: string) => (pack[name] === null ? null : textField(pack, name));
    return {
      name: textField(pack, "name", 256),
      lightAt: textOrNull("lightAt"),
      deepAt: textOrNull("deepAt"),
      problem: textOrNull("problem"),
    };
  });
}

// The ledger in an open repository: read once, changed in one step, one change after the other.
//
// It is written before what it speaks of is done: a crash in between leaves something to finish, never something forgotten.
import { CodedError } from "#lib/model/errors.ts";
import { FormatError } from "../format/bytes.ts";
import {
  decodeLedger,
  EMPTY_LEDGER,
  encodeLedger,
  LEDGER_FILE,
  type Ledger,
} from "../format/ledger-format.ts";
import { NewerFormatError, type TextOwner } from "../format/text-file.ts";
import type { Storage } from "../storage/storage.ts";
import { withReserve } from "./reserve.ts";

export class LedgerKeeper {
  readonly #storage: Storage;
  readonly #owner: TextOwner;
  #ledger: Ledger = EMPTY_LEDGER;
  #changes: Promise<unknown> = Promise.resolve();
  /** There is, or should be, a file. */
  isStored = false;
  /** What was wrong with the file when the repository was opened. */
  problem: string | null = null;

  constructor(storage: Storage, owner: TextOwner) {
    this.#storage = storage;
    this.#owner = owner;
  }

  get content(): Ledger {
    return this.#ledger;
  }

  /** A damaged ledger keeps nobody out: it is named by verify, and the next change writes it anew. */
  async load(): Promise<void> {
    const read = await this.read();
    this.problem = read.problem;
    this.isStored = read.problem !== null || read.ledger !== null;
    this.#ledger = read.ledger ?? EMPTY_LEDGER;
  }

  /** As it lies on disk now. */
  async read(): Promise<{ readonly ledger: Ledger | null; readonly problem: string | null }> {
    const bytes = await this.#storage.readFile(LEDGER_FILE);
    if (bytes === null) return { ledger: null, problem: null };
    try {
      return { ledger: decodeLedger(this.#owner, bytes), problem: null };
    } catch (error) {
      if (!(error instanceof FormatError) && !(error instanceof NewerFormatError)) throw error;
      return { ledger: null, problem: error.message };
    }
  }

  /** Resolves when the changed ledger is durable. */
  change(change: (ledger: Ledger) => Ledger): Promise<void> {
    const turn = this.#changes.then(async () => {
      const changed = change(this.#ledger);
      // A writer of before cannot know what a newer program keeps here.
      if (this.problem?.startsWith("format ")) throw newerLedger(this.#storage, this.problem);
      await withReserve(this.#storage, () =>
        this.#storage.writeFile(LEDGER_FILE, encodeLedger(this.#owner, changed)),
      );
      this.#ledger = changed;
      this.isStored = true;
      this.problem = null;
    });
    this.#changes = turn.catch(() => undefined); // Its caller is told; the next change is another matter.
    return turn;
  }
}

function newerLedger(storage: Storage, problem: string): CodedError {
  return new CodedError("repository-format-newer", `The ledger of ${storage.description} has ${problem}.`, {
    hint: "Update this program.",
  });
}

// The simulated network: connections between machines, each machine with one line of a rate in each direction, on a switch that
// is never the limit. A machine can be gone (its connections are reset), or cut off (nothing arrives, nothing is said).
import type { VirtualTime } from "./time.ts";

const LATENCY_MS = 0.2;
const SMALL_BYTES = 200;

/** One end of a connection. */
export interface Receiver {
  /** Somebody dialled this machine: `end` is the new connection's end here. */
  accepted(end: End): void;
  message(end: End, message: unknown): void;
  closed(end: End): void;
  /** The network took that much of what this end was given. */
  taken(end: End, size: number): void;
}

export interface End {
  readonly id: number;
  readonly machine: Machine;
  peer: End | null;
  isOpen: boolean;
  /** When what was sent last arrives: nothing on a connection overtakes. */
  lastArrival: number;
}

export class Machine {
  readonly name: string;
  receiver: Receiver | null = null;
  /** Bytes per millisecond, each way. */
  rate: number;
  isCutOff = false;
  outFreeAt = 0;
  inFreeAt = 0;
  receivedBytes = 0;
  sentBytes = 0;

  constructor(name: string, rate: number) {
    this.name = name;
    this.rate = rate;
  }
}

export class Network {
  readonly #time: VirtualTime;
  readonly #open = new Set<End>();
  #nextId = 1;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  dial(from: Machine, to: Machine): End {
    const end = this.#end(from);
    this.#time.after(2 * LATENCY_MS, () => {
      if (!end.isOpen || from.isCutOff || to.isCutOff) return;
      if (to.receiver === null) {
        this.#lose(end);
        return;
      }
      const other = this.#end(to);
      end.peer = other;
      other.peer = end;
      to.receiver.accepted(other);
    });
    return end;
  }

  send(end: End, size: number, message: unknown): void {
    const { machine: from, peer } = end;
    if (!end.isOpen || peer === null) return;
    const to = peer.machine;
    const done = this.#carried(from, to, size);
    this.#time.at(done, () => {
      if (from.isCutOff || to.isCutOff) return;
      from.sentBytes += size;
      if (end.isOpen) from.receiver?.taken(end, size);
    });
    end.lastArrival = Math.max(end.lastArrival, done + LATENCY_MS);
    this.#time.at(end.lastArrival, () => {
      if (from.isCutOff || to.isCutOff || !peer.isOpen) return;
      to.receivedBytes += size;
      to.receiver?.message(peer, message);
    });
  }

  /** When the last byte is through. Small messages find room between large ones. */
  #carried(from: Machine, to: Machine, size: number): number {
    if (size <= SMALL_BYTES) return this.#time.now;
    const done = Math.max(this.#time.now, from.outFreeAt, to.inFreeAt) + size / Math.min(from.rate, to.rate);
    from.outFreeAt = done;
    to.inFreeAt = done;
    return done;
  }

  close(end: End): void {
    if (!end.isOpen) return;
    end.isOpen = false;
    this.#open.delete(end);
    const { peer } = end;
    if (peer === null) return;
    this.#time.after(LATENCY_MS, () => {
      if (!end.machine.isCutOff && !peer.machine.isCutOff) this.#lose(peer);
    });
  }

  /** Nothing arrives and nothing is said; afterwards its old connections are dead on both sides. */
  cutOff(machine: Machine, ms: number): void {
    machine.isCutOff = true;
    this.#time.after(ms, () => {
      machine.isCutOff = false;
      for (const end of [...this.#open]) {
        if (end.machine !== machine && end.peer?.machine !== machine) continue;
        this.#lose(end);
      }
    });
  }

  /** The machine's process is gone: the kernel resets its connections. */
  reset(machine: Machine): void {
    machine.receiver = null;
    for (const end of [...this.#open]) if (end.machine === machine) this.close(end);
  }

  #lose(end: End): void {
    if (!end.isOpen) return;
    end.isOpen = false;
    this.#open.delete(end);
    end.machine.receiver?.closed(end);
  }

  #end(machine: Machine): End {
    const end: End = { id: this.#nextId, machine, peer: null, isOpen: true, lastArrival: 0 };
    this.#nextId += 1;
    this.#open.add(end);
    return end;
  }
}

// One game: a classroom of some size and a script of faults, all decided by a seed. It ends when every PC that still can has
// the target on its disk, or it throws.
import { Chance } from "#lib/model/chance.ts";
import type { Pc } from "./pc.ts";
import { Classroom } from "./world.ts";

export interface Game {
  readonly room: Classroom;
  readonly endedAtMs: number;
}

/** Long enough for the slowest disk and every time limit of the protocol. */
const MS_MAX = 600_000;
/** Bytes a millisecond, of disks and lines that got slow. */
const SLOWEST = 10;

export function play(seed: number): Game {
  const chance = new Chance(seed);
  const count = chance.smallBetween(1, 14);
  const everyone = chance.pick([1, 0.02, 0.3]);
  const lateMs = new Map<number, number>();
  for (let index = 0; index < count; index += 1) {
    if (chance.happens(0.1)) lateMs.set(index, chance.between(0, 10_000));
  }
  const pageCount = chance.smallBetween(20, 600);
  const room = new Classroom({
    seed: seed ^ 0x5eed,
    pageCount,
    lacking: Array.from({ length: count }, () => (chance.happens(0.2) ? chance.float() : everyone)),
    chains: chance.pick([1, 1, 2, 3]),
    sourceRate: chance.pick([100, 100, 300]),
    diskRate: chance.pick([50, 300, 2000]),
    lateMs,
  });
  // Faults fall into the time that a game without them takes, and a little later.
  const troubleMs = 500 + pageCount * 12;
  for (let fault = chance.between(0, 8); fault > 0; fault -= 1) {
    const pc = chance.pick(room.pcs);
    room.time.at(chance.between(0, troubleMs), () => trouble(room, pc, chance));
  }
  const endedAtMs = room.run(MS_MAX);
  room.assertRight();
  return { room, endedAtMs };
}

const FAULTS: readonly ((room: Classroom, pc: Pc, chance: Chance) => string)[] = [
  (room, pc) => {
    pc.crash();
    room.gone.add(pc);
    return "dies";
  },
  (room, pc, chance) => {
    pc.crash();
    const pauseMs = chance.between(1, 5_000);
    room.time.after(pauseMs, () => {
      if (!room.gone.has(pc)) pc.start();
    });
    return `dies, is back after ${pauseMs} ms`;
  },
  (room, pc, chance) => {
    const pauseMs = chance.smallBetween(10, 8_000);
    pc.hangsUntil = room.time.now + pauseMs;
    return `hangs for ${pauseMs} ms`;
  },
  (room, pc, chance) => {
    const pauseMs = chance.smallBetween(10, 8_000);
    room.network.cutOff(pc.machine, pauseMs);
    return `is cut off for ${pauseMs} ms`;
  },
  (_room, pc, chance) => {
    pc.disk.rate = Math.max(SLOWEST, pc.disk.rate / chance.between(2, 10));
    return "has a slow disk";
  },
  (_room, pc) => {
    pc.disk.isBroken = true;
    return "has a broken disk";
  },
  (_room, pc, chance) => {
    pc.machine.rate = Math.max(SLOWEST, pc.machine.rate / chance.between(2, 5));
    return "has a slow line";
  },
  (room, pc, chance) => {
    pc.damageRate = 0.02;
    room.time.after(chance.between(1_000, 20_000), () => {
      pc.damageRate = 0;
    });
    return "damages what it sends";
  },
  (room, _pc, chance) => {
    const pauseMs = chance.between(1, 10_000);
    room.isCoordinatorAway = true;
    room.time.after(pauseMs, () => {
      room.isCoordinatorAway = false;
    });
    return `(the coordinator is away for ${pauseMs} ms)`;
  },
  (room) => {
    room.restartCoordinator();
    return "(the coordinator begins anew)";
  },
  (_room, pc, chance) => {
    // A disk that lies: what was right is not any more.
    if (pc.isDone) return "is done, its disk stays right";
    pc.disk.content[chance.between(0, pc.disk.content.length - 1)] = 0;
    return "has a disk that forgets";
  },
];

function trouble(room: Classroom, pc: Pc, chance: Chance): void {
  if (pc.isReleased || pc.isFailed || room.gone.has(pc)) return;
  room.note(`${pc.name} ${chance.pick(FAULTS)(room, pc, chance)}`);
}

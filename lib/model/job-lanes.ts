// A job's tasks as lanes, one per PC: a PC with several parts in a job (clone, localize, snapshot) is one lane that shows the part it
// is at. Pure.
import type { TaskState } from "./job.ts";

interface Part {
  readonly nodeId: string | null;
  readonly state: TaskState;
}

export interface JobLane<Task extends Part> {
  /** The part under way, or the first that did not succeed, or the last. */
  readonly current: Task;
  /** In their order. */
  readonly parts: readonly Task[];
}

/** `tasks` come in the order of their parts. */
export function lanesOf<Task extends Part>(tasks: readonly Task[]): JobLane<Task>[] {
  const lanes: JobLane<Task>[] = [];
  const byNode = new Map<string, Task[]>();
  for (const task of tasks) {
    const parts = task.nodeId === null ? undefined : byNode.get(task.nodeId);
    if (parts !== undefined) parts.push(task);
    else {
      const mine = [task];
      if (task.nodeId !== null) byNode.set(task.nodeId, mine);
      lanes.push({
        get current() {
          return mine.find(({ state }) => state !== "succeeded") ?? mine.at(-1) ?? task;
        },
        parts: mine,
      });
    }
  }
  return lanes;
}

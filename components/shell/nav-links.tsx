"use client";

// The main menu: marks where one is, and closes the phone menu after a choice.
import {
  Archive,
  CalendarClock,
  DoorOpen,
  HardDrive,
  Inbox,
  LayoutGrid,
  ListChecks,
  Settings,
  Stamp,
  Tags,
} from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { classNames } from "../ui/class-names.ts";

export interface NavCounts {
  readonly pendingEnrolments: number;
  readonly runningJobs: number;
}

const ITEMS = [
  { href: "/", label: "Overview", icon: LayoutGrid, sections: [] },
  { href: "/classrooms", label: "Classrooms", icon: DoorOpen, sections: ["/nodes", "/plans"] },
  { href: "/masters", label: "Masters", icon: Stamp, sections: [] },
  { href: "/variables", label: "Variables", icon: Tags, sections: [] },
  { href: "/jobs", label: "Jobs", icon: ListChecks, sections: [] },
  { href: "/schedules", label: "Schedules", icon: CalendarClock, sections: [] },
  { href: "/storage", label: "Storage", icon: HardDrive, sections: ["/snapshots"] },
  { href: "/enrolments", label: "Enrolments", icon: Inbox, sections: [] },
  { href: "/settings", label: "Settings", icon: Settings, sections: [] },
] as const;

export function NavLinks({ counts, onChosen }: { counts: NavCounts; onChosen?: () => void }) {
  const path = usePathname();
  return (
    <ul className="space-y-0.5">
      {ITEMS.map(({ href, label, icon: Icon, sections }) => {
        const here = isHere(path, href, sections);
        const count = countFor(href, counts);
        return (
          <li key={href}>
            <Link
              href={href}
              aria-current={here ? "page" : undefined}
              onClick={onChosen}
              className={classNames(
                "flex h-9 items-center gap-2.5 rounded-md px-2.5 text-sm font-medium lg:h-8",
                here ? "bg-accent-soft text-accent" : "text-ink-2 hover:bg-sunken hover:text-ink",
              )}
            >
              <Icon aria-hidden size={16} />
              <span className="flex-1">{label}</span>
              {count === null ? null : (
                <span className="rounded bg-accent-fill px-1.5 text-xs leading-5 text-white">
                  {count.value}
                  <span className="sr-only"> {count.word}</span>
                </span>
              )}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}

function isHere(path: string, href: string, sections: readonly string[]): boolean {
  if (href === "/") return path === "/";
  return [href, ...sections].some((start) => path === start || path.startsWith(`${start}/`));
}

function countFor(href: string, counts: NavCounts): { value: number; word: string } | null {
  if (href === "/jobs" && counts.runningJobs > 0) return { value: counts.runningJobs, word: "running" };
  if (href === "/enrolments" && counts.pendingEnrolments > 0) {
    return { value: counts.pendingEnrolments, word: "waiting" };
  }
  return null;
}

export function Brand() {
  return (
    <Link href="/" className="flex items-center gap-2 font-semibold tracking-tight">
      <span aria-hidden className="grid size-6 place-items-center rounded-md bg-accent-fill text-white">
        <Archive size={14} />
      </span>
      Sheepfold
    </Link>
  );
}

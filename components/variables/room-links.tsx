// Which classroom the page shows: links, so that the address says it and Back leads back.
import Link from "next/link";
import { classNames } from "../ui/class-names.ts";

export function RoomLinks({
  rooms,
  here,
}: {
  rooms: readonly { readonly id: string; readonly name: string; readonly nodeCount: number }[];
  here: string | null;
}) {
  return (
    <nav aria-label="Classrooms" className="mb-3">
      <ul className="flex flex-wrap gap-1.5">
        {rooms.map(({ id, name, nodeCount }) => (
          <li key={id}>
            <Link
              href={`/variables?room=${encodeURIComponent(id)}`}
              aria-current={id === here ? "page" : undefined}
              className={classNames(
                "flex h-7 items-center gap-1.5 rounded-md border px-2.5 text-sm",
                id === here
                  ? "border-accent bg-accent-soft font-medium text-accent"
                  : "border-line-strong bg-surface text-ink-2 hover:bg-sunken hover:text-ink",
              )}
            >
              {name}
              <span className={classNames("text-xs", id === here ? "text-accent" : "text-ink-3")}>
                {nodeCount}
                <span className="sr-only">{nodeCount === 1 ? " PC" : " PCs"}</span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

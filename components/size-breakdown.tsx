// How a snapshot's logical bytes divide: same page as in its parent, empty, found elsewhere in the store, new. The shares
// are of pages and blocks as the engine counted them; what is left after the first, second and fourth was deduplicated.
import { formatBytes, formatShare } from "#lib/model/units.ts";
import { classNames } from "./ui/class-names.ts";

interface Sizes {
  readonly sizeBytes: number;
  readonly unchangedBytes: number;
  readonly fillBytes: number;
  readonly newBytes: number;
  readonly storedBytes: number;
}

export function SizeBreakdown({ sizes }: { sizes: Sizes }) {
  const { sizeBytes, unchangedBytes, fillBytes, newBytes, storedBytes } = sizes;
  const foundBytes = Math.max(0, sizeBytes - unchangedBytes - fillBytes - newBytes);
  const parts = [
    { label: "Unchanged since the earlier version", bytes: unchangedBytes, className: "bg-line-strong" },
    { label: "Empty", bytes: fillBytes, className: "hatched bg-sunken" },
    { label: "Found elsewhere in the store", bytes: foundBytes, className: "bg-back-fill" },
    { label: "New", bytes: newBytes, className: "bg-accent-fill" },
  ];
  return (
    <div>
      <div
        aria-hidden
        className="flex h-4 gap-px overflow-hidden rounded-md border border-line-strong bg-line"
      >
        {parts.map((part) =>
          part.bytes === 0 ? null : (
            <div
              key={part.label}
              className={classNames("min-w-0.5", part.className)}
              style={{ flexGrow: part.bytes }}
            />
          ),
        )}
      </div>
      <dl className="mt-3 grid gap-x-6 gap-y-2 text-sm sm:grid-cols-2 lg:grid-cols-4">
        {parts.map((part) => (
          <div key={part.label}>
            <dt className="flex items-center gap-1.5 text-ink-2">
              <span
                aria-hidden
                className={classNames("size-2.5 rounded-sm border border-line-strong", part.className)}
              />
              {part.label}
            </dt>
            <dd className="font-medium">
              {formatBytes(part.bytes)}{" "}
              <span className="font-normal text-ink-3">{formatShare(part.bytes, sizeBytes)}</span>
            </dd>
          </div>
        ))}
      </dl>
      <p className="mt-3 text-sm text-ink-2">
        {formatBytes(sizeBytes)} of partitions cost {formatBytes(storedBytes)} in the store.
      </p>
    </div>
  );
}

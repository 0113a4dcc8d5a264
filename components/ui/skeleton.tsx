// The grey shape of a page on its way, so that nothing jumps when it arrives.
export function PageSkeleton({ label }: { label: string }) {
  return (
    <div role="status" aria-label={`Loading ${label}`} className="animate-pulse">
      <div className="mb-6 h-6 w-48 rounded bg-line" />
      <div className="grid gap-4 md:grid-cols-3">
        <div className="h-28 rounded-lg bg-line/70" />
        <div className="h-28 rounded-lg bg-line/70" />
        <div className="h-28 rounded-lg bg-line/70" />
      </div>
      <div className="mt-4 h-72 rounded-lg bg-line/70" />
    </div>
  );
}

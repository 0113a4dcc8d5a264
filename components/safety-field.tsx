// Asked before a roll back: a snapshot of each PC as it is, so that the roll back can be undone.

export function SafetyField() {
  return (
    <label className="flex items-start gap-2 text-sm">
      <input type="checkbox" name="safety" value="yes" defaultChecked className="mt-0.5" />
      <span>
        Take a snapshot first
        <span className="block text-xs text-ink-3">
          Then nothing is lost, and the roll back can be undone. It takes about as long as any snapshot.
        </span>
      </span>
    </label>
  );
}

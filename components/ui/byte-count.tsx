// A size for people; the exact figure is in its title and value.
import { formatBytes } from "#lib/model/units.ts";

export function ByteCount({ bytes }: { bytes: number }) {
  return (
    <data value={bytes} title={`${bytes.toLocaleString("en")} bytes`} className="whitespace-nowrap">
      {formatBytes(bytes)}
    </data>
  );
}

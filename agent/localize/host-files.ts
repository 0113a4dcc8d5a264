// A host's name in the files that hold it on Linux. /etc/hosts is other people's file, too: only the line of 127.0.1.1 is touched, by
// which Debian and its kin give a host an address of its own name, and in it only the names that are the old host's. Pure.

const OWN_ADDRESS = /^\s*127\.0\.1\.1\s/;

export function hostNameFile(hostName: string): Buffer {
  return Buffer.from(`${hostName}\n`);
}

/** The name a PC had; comments are allowed in the file, see hostname(5). */
export function hostNameIn(bytes: Buffer): string | null {
  const lines = bytes.toString("latin1").split("\n");
  return lines.map((line) => line.trim()).find((line) => line !== "" && !line.startsWith("#")) ?? null;
}

/** `oldName` and oldName.some.domain become the new name, with the same domain; other aliases stay. Null bytes: no file yet. */
export function hostsFile(bytes: Buffer | null, oldName: string | null, hostName: string): Buffer {
  if (bytes === null) return Buffer.from(`127.0.0.1\tlocalhost\n127.0.1.1\t${hostName}\n`);
  const text = bytes.toString("latin1");
  const lines = text.split("\n");
  if (!lines.some((line) => OWN_ADDRESS.test(line))) {
    const lineBreak = text === "" || text.endsWith("\n") ? "" : "\n";
    return Buffer.from(`${text}${lineBreak}127.0.1.1\t${hostName}\n`, "latin1");
  }
  const renamed = lines.map((line) => (OWN_ADDRESS.test(line) ? renamedLine(line, oldName, hostName) : line));
  return Buffer.from(renamed.join("\n"), "latin1");
}

function renamedLine(line: string, oldName: string | null, hostName: string): string {
  const hash = line.indexOf("#");
  const entry = hash < 0 ? line : line.slice(0, hash);
  const [address = "", ...names] = entry.trim().split(/\s+/);
  const renamed = names.map((name) => {
    if (oldName === null || (name !== oldName && !name.startsWith(`${oldName}.`))) return name;
    return hostName + name.slice(oldName.length);
  });
  const isOurs = renamed.some((name) => name === hostName || name.startsWith(`${hostName}.`));
  // A line without the old name belongs to a host of the past: its names would lead to this one for ever.
  const wanted = isOurs ? renamed : [hostName];
  if (wanted.join(" ") === names.join(" ")) return line;
  return `${address}\t${wanted.join(" ")}${hash < 0 ? "" : ` ${line.slice(hash)}`}`;
}

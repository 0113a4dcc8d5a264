// Peers that keep every image whole, compressed: gzip (pigz, on all cores), zstd, and partclone, which leaves out what
// the file system does not use and has its image compressed with zstd, as its users do.
import { mkdir } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { type Candidate, IMAGE_NAME, shell, type Tool } from "./tool.ts";

function wholeImages(
  name: string,
  version: string,
  folder: string,
  lines: { readonly archive: string; readonly restore: string },
): Tool {
  const repository = join(folder, name);
  const file = (generation: string) => join(repository, `${generation}.${name}`);
  return {
    name,
    version,
    repository,
    deduplicates: false,
    keepsEveryByte: true,
    async init() {
      await mkdir(repository, { recursive: true });
    },
    archive: (generation, image) => shell(lines.archive, [image, file(generation)]),
    restore: ({ generation, folder: target }) =>
      shell(lines.restore, [file(generation), join(target, IMAGE_NAME)]),
  };
}

export const gzip: Candidate = {
  name: "gzip",
  program: "pigz",
  versionArgs: ["--version"],
  debianPackage: "pigz",
  make: (folder, version) =>
    wholeImages("gzip", version, folder, {
      archive: 'pigz -6 -c < "$1" > "$2"',
      restore: 'pigz -d -c < "$1" > "$2"',
    }),
};

export const zstd: Candidate = {
  name: "zstd",
  program: "zstd",
  versionArgs: ["--version"],
  debianPackage: "zstd",
  make: (folder, version) =>
    wholeImages("zstd", version, folder, {
      archive: `zstd -q -3 -T${cpus().length} -c < "$1" > "$2"`,
      restore: 'zstd -q -d -f --sparse "$1" -o "$2"',
    }),
};

export const partclone: Candidate = {
  name: "partclone",
  program: "partclone.extfs",
  versionArgs: ["--version"],
  debianPackage: "partclone",
  make: (folder, version) => ({
    ...wholeImages("partclone", version, folder, {
      archive: `partclone.extfs -c -q -F -s "$1" -o - -L /dev/null | zstd -q -3 -T${cpus().length} -c > "$2"`,
      restore: 'zstd -q -d -c "$1" | partclone.restore -q -s - -O "$2" -C -W -L /dev/null',
    }),
    keepsEveryByte: false,
  }),
};

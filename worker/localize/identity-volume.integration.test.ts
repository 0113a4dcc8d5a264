// The identity volume and those who read it, for real: cloud-init of Debian's package and our reader of a few lines, each in the first
// moments of a Linux of its own that finds the volume on a disk; mtools; and shells that read identity.env.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { identityFiles } from "#lib/localize/identity-files.ts";
import { render } from "#lib/localize/render.ts";
import type { LocalizationContent } from "#lib/model/localization.ts";
import { openLocalizedImages } from "./localize-images.ts";
import { type CloudInit, unpackCloudInit } from "./test-cloud-init.ts";
import { openArchive, writeOut } from "./test-masters.ts";
import { emptyFolder, inOwnLinux, LINUX_MS_MAX, readTree, tool } from "./test-tools.ts";

/** Larger than the volume may be. */
const PARTITION_BYTES = 40 * 1024 * 1024;
const READER = join(process.cwd(), "deploy/identity-readers/sheepfold-identity");
const VALUES = {
  host_name: "lab-a-17",
  domain: "school.example",
  ip_address: "10.1.0.17/24",
  gateway: "10.1.0.1",
  dns: "10.1.0.1, 10.1.0.2",
  network_card: "enp3s0",
  time_zone: "Europe/Vienna",
  // What a shell might take for more than words.
  printer: 'it\'s "$(touch /tmp/evil)" `touch /tmp/evil` \\ $HOME; touch /tmp/evil #',
  motto: "first line\nHOST_NAME='evil'\nHOST_NAME=evil\n'; touch /tmp/evil; '",
  path: "/nowhere",
};
const CONTENT: LocalizationContent = {
  ...{ values: VALUES, sealed: {}, identityImage: "p1", tokens: [], recipes: [] },
  files: [
    { path: "printers/Größe 日本.conf", template: "printer={{printer}}\n" },
    { path: "licence.txt", template: "of {{host_name}}" },
  ],
};

let folder: string;
let volume: string;
let shared: string;
let cloudInit: CloudInit;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sheepfold-identity-"));
  volume = join(folder, "volume.img");
  await makeVolume();
  shared = emptyFolder(join(folder, "linux"));
  cloudInit = unpackCloudInit(join(shared, "cloud-init"));
  // The checkout may lie where that Linux mounts something else.
  copyFileSync(READER, join(shared, "sheepfold-identity"));
  inOwnLinux(shared, [volume], SCRIPT);
}, LINUX_MS_MAX + 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As a PC gets it: an empty partition of a master, localized. */
async function makeVolume(): Promise<void> {
  const master = join(folder, "master.img");
  writeFileSync(master, "");
  truncateSync(master, PARTITION_BYTES);
  const archive = await openArchive(join(folder, "repository"));
  const { id } = await archive.archive(new Map([["p1", master]]));
  const { signal } = new AbortController();
  const rendered = render(CONTENT, [], () => "");
  const images = await openLocalizedImages(archive.repository, id, rendered, signal);
  for (const image of images.values()) await writeOut(image, PARTITION_BYTES, volume);
  await archive.close();
}

/** Three boots of PCs with an /etc and a /var of their own, and what each left there. */
const SCRIPT = `
mount -t tmpfs tmpfs /tmp
mount -t vfat -o ro,utf8 /dev/ubda /media; cp -R /media /mnt/mounted; umount /media

boots_as() {
  mkdir -p /run/$1/etc /run/$1/var/lib/cloud /run/$1/var/log
  cp /etc/passwd /etc/group /etc/nsswitch.conf /etc/os-release /etc/debian_version /run/$1/etc/
  echo master >/run/$1/etc/hostname
  echo master >/proc/sys/kernel/hostname
  mount --bind /run/$1/etc /etc; mount --bind /run/$1/var /var
}
went_off() {
  mkdir /mnt/$1; cp -R /etc /var /mnt/$1/; cp /proc/sys/kernel/hostname /mnt/$1/name; umount /etc /var
}

boots_as first; printf '127.0.0.1\\tlocalhost\\n' >/etc/hosts
/mnt/sheepfold-identity
stat -c '%a %n' /etc/sheepfold /etc/sheepfold/* >/mnt/modes
went_off first

boots_as again; printf '127.0.1.1\\tmaster.old master\\n::1 localhost\\n127.0.1.1 x' >/etc/hosts
/mnt/sheepfold-identity; cp /etc/hosts /mnt/hosts-once; /mnt/sheepfold-identity
went_off again

boots_as cloud; cp -R /mnt/cloud-init/root/etc/cloud /etc/; printf '127.0.0.1\\tlocalhost\\n' >/etc/hosts
export PYTHONPATH=/mnt/cloud-init/root/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1
sh /mnt/cloud-init/root/usr/lib/cloud-init/ds-identify
python3 /mnt/cloud-init/root/usr/bin/cloud-init init --local
cp -R /run/cloud-init /mnt/run-cloud-init
went_off cloud

rm /dev/ubda
boots_as without; printf '127.0.0.1\\tlocalhost\\n' >/etc/hosts
/mnt/sheepfold-identity
went_off without
ls -a /tmp >/mnt/tmp-listed
grep -c /dev/ubda /proc/mounts >/mnt/still-mounted || true
`;

const left = (path: string) => readFileSync(join(shared, path), "utf8");
const expected = () =>
  new Map(
    identityFiles(
      new Map(Object.entries(VALUES)),
      CONTENT.files.map(({ path, template }) => ({
        path,
        bytes: Buffer.from(
          template.replace("{{printer}}", () => VALUES.printer).replace("{{host_name}}", VALUES.host_name),
        ),
      })),
    ).map(({ path, bytes }) => [path, Buffer.from(bytes)]),
  );

describe("the volume", () => {
  test("is mounted by Linux, with every file as it was rendered", () => {
    const found = readTree(join(shared, "mounted"));
    expect(new Map([...found].sort())).toEqual(new Map([...expected()].sort()));
  });

  test("is listed and read by mtools, and fsck.fat finds nothing", () => {
    tool("/usr/sbin/fsck.fat", ["-n", volume]);
    const listed = tool("/usr/bin/mdir", ["-b", "-/", "-a", "-i", volume, "::"]).toString();
    const paths = listed.split("\n").filter((line) => line !== "" && !line.endsWith("/"));
    expect(paths.sort()).toEqual([...expected().keys()].map((path) => `::/${path}`).sort());
    expect(tool("/usr/bin/mtype", ["-i", volume, "::/files/licence.txt"]).toString()).toBe("of lab-a-17");
  });
});

describe("cloud-init of Debian's package", () => {
  test("detects the volume at boot (ds-identify)", () => {
    expect(left("run-cloud-init/cloud.cfg")).toContain("datasource_list: [ NoCloud, None ]");
  });

  test("reads it and gives the PC its name and its address", () => {
    expect(left("cloud/name")).toBe("lab-a-17\n");
    expect(left("cloud/etc/hostname")).toBe("lab-a-17\n");
    const metaData = JSON.parse(expected().get("meta-data")?.toString() ?? "");
    expect(left("cloud/var/lib/cloud/data/instance-id").trim()).toBe(metaData["instance-id"]);
    // Which of several files depends on what this machine has installed.
    const network = [...readTree(join(shared, "cloud/etc"))].filter(([, bytes]) =>
      bytes.includes("10.1.0.17/24"),
    );
    expect(network.map(([, bytes]) => bytes.toString()).join("")).toContain("enp3s0");
  });

  test("finds nothing wrong with user-data (cloud-init schema)", () => {
    const said = cloudInit.run("schema", "-c", join(shared, "mounted/user-data"));
    expect(said).toContain("Valid");
  });

  for (const [renderer, distribution] of [
    ["netplan", "ubuntu"],
    ["eni", "debian"],
    ["networkd", "debian"],
    ["network-manager", "fedora"],
    ["sysconfig", "rhel"],
  ] as const) {
    test(`makes of network-config what ${renderer} understands: the card that was named, with its address`, () => {
      const out = emptyFolder(join(folder, "network"));
      const config = join(shared, "mounted/network-config");
      cloudInit.run(
        ...["devel", "net-convert", "--network-data", config, "--kind", "yaml"],
        ...["-d", out, "-D", distribution, "-O", renderer],
      );
      const made = [...readTree(out)].map(([path, bytes]) => `${path}\n${bytes}`).join("\n");
      expect(made).toContain("enp3s0");
      expect(made).toMatch(/10\.1\.0\.17/);
      expect(made).toMatch(/10\.1\.0\.1\b/);
    });
  }
});

describe("our reader for Linux", () => {
  test("sets the name and its line in /etc/hosts, and copies files for root alone", () => {
    expect(left("first/name")).toBe("lab-a-17\n");
    expect(left("first/etc/hostname")).toBe("lab-a-17\n");
    expect(left("first/etc/hosts")).toBe(
      "127.0.0.1\tlocalhost\n127.0.1.1\tlab-a-17.school.example lab-a-17\n",
    );
    expect(left("first/etc/sheepfold/printers/Größe 日本.conf")).toBe(`printer=${VALUES.printer}\n`);
    expect(left("first/etc/sheepfold/licence.txt")).toBe("of lab-a-17");
    expect(left("first/etc/sheepfold/identity.env")).toBe(expected().get("identity.env")?.toString());
    expect(left("modes").trim().split("\n")).toEqual([
      "755 /etc/sheepfold",
      "600 /etc/sheepfold/identity.env",
      "600 /etc/sheepfold/licence.txt",
      "700 /etc/sheepfold/printers",
    ]);
  });

  test("replaces the master's own line, and changes nothing the second time", () => {
    expect(left("hosts-once")).toBe("::1 localhost\n127.0.1.1\tlab-a-17.school.example lab-a-17\n");
    expect(left("again/etc/hosts")).toBe(left("hosts-once"));
  });

  test("leaves a PC without such a volume as it is", () => {
    expect(left("without/name")).toBe("master\n");
    expect(left("without/etc/hosts")).toBe("127.0.0.1\tlocalhost\n");
  });

  test("runs nothing that stands in a value, and leaves no mount behind", () => {
    expect(left("tmp-listed").trim().split("\n")).toEqual([".", ".."]);
    expect(left("still-mounted").trim()).toBe("0");
  });
});

describe("shells that read identity.env take every value as it is", () => {
  for (const shell of ["/bin/sh", "/bin/bash"] as const) {
    test(shell, () => {
      const names = Object.keys(VALUES).map((name) => name.toUpperCase());
      // printf is the shell's own: PATH is one of the names.
      const script = `. "$1"; shift; for name do eval "printf '%s\\0' \\"\\$$name\\""; done`;
      const file = join(shared, "mounted/identity.env");
      const said = tool(shell, ["-c", script, shell, file, ...names]).toString();
      expect(said.split("\0").slice(0, -1)).toEqual(Object.values(VALUES));
    });
  }
});

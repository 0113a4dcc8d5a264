// The temporal set: what becomes of one real Debian partition. Eight snapshots of a 4 GiB ext4 file system: freshly
// installed, developer tools, LibreOffice, the distribution's upgrades, LibreOffice removed and installed again,
// defragmented, cleaned up. Built with mmdebstrap, a loop mount and apt-get inside, as root; needs a Debian mirror
// (SHEEPFOLD_BENCH_MIRROR, default deb.debian.org).
//
// The first three states know only the release; the fourth gets its security updates, kernel and all. The mirror moves,
// so images made on another day differ a little: figures are compared within a run, never between machines. Nothing is
// trimmed: blocks of deleted files keep their old bytes, as on any disk that has been in use.
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { exists, type Generation, type ImageRecipe } from "./image-set.ts";
import { inMountedImage, runShell } from "./mounted.ts";

const SUITE = "bookworm";
const MIRROR = process.env.SHEEPFOLD_BENCH_MIRROR ?? "http://deb.debian.org";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

const BASE_PACKAGES = [
  "linux-image-amd64,systemd-sysv,udev,dbus,apt-utils,ca-certificates,openssh-server,openssh-client,sudo,less,nano",
  "man-db,manpages,locales,iproute2,iputils-ping,isc-dhcp-client,rsyslog,cron,logrotate,e2fsprogs,curl,wget,rsync",
  "python3,perl,bash-completion,file,bzip2,xz-utils,zstd,tmux,cups-client,samba-common-bin,nfs-common,firmware-linux-free",
].join(",");
const DEVELOPER_PACKAGES =
  "build-essential git gdb cmake python3-dev python3-venv vim-nox openjdk-17-jdk-headless strace";
const OFFICE_PACKAGES =
  "libreoffice-writer libreoffice-calc libreoffice-impress libreoffice-gtk3 libreoffice-l10n-de fonts-dejavu";

/** apt-get inside the partition: without daemons, without asking, without a flush per file. */
const APT = 'chroot "$ROOT" apt-get -qq -y -o Dpkg::Options::=--force-unsafe-io -o Dpkg::Use-Pty=0';
const INSTALL = `${APT} install --no-install-recommends`;

/** What apt-get and the packages' scripts need of a running system. */
const CHROOT = `
mount -t proc proc "$ROOT/proc"
mount -t sysfs sysfs "$ROOT/sys"
mount --bind /dev "$ROOT/dev"
touch "$ROOT/etc/resolv.conf"
mount --bind /etc/resolv.conf "$ROOT/etc/resolv.conf"
printf '#!/bin/sh\\nexit 101\\n' > "$ROOT/usr/sbin/policy-rc.d"
chmod +x "$ROOT/usr/sbin/policy-rc.d"
`;

const SOURCES = `cat > "$ROOT/etc/apt/sources.list" <<END
deb ${MIRROR}/debian ${SUITE} main
deb ${MIRROR}/debian ${SUITE}-updates main
deb ${MIRROR}/debian-security ${SUITE}-security main
END`;

const APT_OPTIONS =
  'Acquire::Check-Valid-Until "false"; Acquire::Check-Date "false"; Acquire::Languages "none";';

interface Step {
  readonly name: string;
  readonly what: string;
  /** Run with the file system in $ROOT. */
  readonly script: string;
}

const STEPS: readonly Step[] = [
  {
    name: "t0",
    what: "Debian, freshly installed",
    script: `
mmdebstrap --quiet --mode=root --variant=important --keyring=${KEYRING} --skip=check/empty \\
  --aptopt='${APT_OPTIONS}' --dpkgopt=force-unsafe-io --include=${BASE_PACKAGES} \\
  ${SUITE} "$ROOT" 'deb ${MIRROR}/debian ${SUITE} main'
echo classroom > "$ROOT/etc/hostname"
echo '${APT_OPTIONS}' > "$ROOT/etc/apt/apt.conf.d/10mirror"`,
  },
  {
    name: "t1",
    what: "developer tools installed",
    script: `${CHROOT}
${APT} update
${INSTALL} ${DEVELOPER_PACKAGES}`,
  },
  { name: "t2", what: "LibreOffice installed", script: `${CHROOT}\n${INSTALL} ${OFFICE_PACKAGES}` },
  { name: "t3", what: "upgraded", script: `${CHROOT}\n${SOURCES}\n${APT} update\n${APT} dist-upgrade` },
  {
    name: "t4",
    what: "LibreOffice removed",
    script: `${CHROOT}\n${APT} purge 'libreoffice*'\n${APT} autoremove --purge`,
  },
  { name: "t5", what: "LibreOffice installed again", script: `${CHROOT}\n${INSTALL} ${OFFICE_PACKAGES}` },
  // Files that need no defragmentation make e4defrag end with 1 on some versions; the images tell what it did.
  { name: "t6", what: "defragmented", script: 'e4defrag "$ROOT" > /dev/null || test $? -eq 1' },
  {
    name: "t7",
    what: "cleaned up",
    script: `${CHROOT}
${APT} clean
rm -rf "$ROOT"/var/lib/apt/lists/* "$ROOT"/var/cache/debconf/*-old "$ROOT"/var/cache/man/* "$ROOT"/tmp/*
find "$ROOT/var/log" -type f -exec truncate -s 0 {} +`,
  },
];

export const temporal: ImageRecipe = {
  name: "temporal",
  what: "one real Debian partition through installation, upgrade, removal, defragmentation and clean-up",
  version: 1,
  sizeBytesDefault: 4 * 2 ** 30,
  rollBackTo: "t3",
  generations: (folder) => STEPS.map(({ name, what }) => ({ name, what, path: join(folder, `${name}.img`) })),
  make: makeTemporal,
};

async function makeTemporal(
  generations: readonly Generation[],
  sizeBytes: number,
  say: (text: string) => void,
): Promise<void> {
  let before: string | null = null;
  for (const [index, { script, what, name }] of STEPS.entries()) {
    const path = generations[index]?.path;
    if (path === undefined) throw new Error(`Bug: no path for ${name}.`);
    if (!(await exists(path))) {
      const unfinished = `${path}.unfinished`;
      if (before === null) await makeEmpty(unfinished, sizeBytes);
      else await runShell("cp", ["--sparse=always", before, unfinished]);
      await inMountedImage(unfinished, script);
      await rename(unfinished, path);
      say(`${name}: ${what}`);
    }
    before = path;
  }
}

async function makeEmpty(image: string, sizeBytes: number): Promise<void> {
  await rm(image, { force: true });
  // Everything is initialised now, not by the kernel at some moment after mounting.
  const options = ["-q", "-F", "-t", "ext4", "-L", "bench", "-E", "lazy_itable_init=0,lazy_journal_init=0"];
  await runShell("mke2fs", [...options, image, `${Math.floor(sizeBytes / 1024)}k`]);
}

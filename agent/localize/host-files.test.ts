// /etc/hosts before and after a PC is renamed. Renaming again changes nothing.
import { expect, test } from "vitest";
import { hostNameIn, hostsFile } from "./host-files.ts";

const CASES: readonly [string, { before: string | null; old: string | null; after: string }][] = [
  [
    "the host's line follows",
    {
      before: "127.0.0.1 localhost\n127.0.1.1\tmaster\n",
      old: "master",
      after: "127.0.0.1 localhost\n127.0.1.1\tlab-01\n",
    },
  ],
  [
    "the domain stays",
    {
      before: "127.0.1.1 master.school.example master\n",
      old: "master",
      after: "127.0.1.1\tlab-01.school.example lab-01\n",
    },
  ],
  [
    "aliases and remarks stay",
    {
      before: "127.0.1.1 master printer # ours\n",
      old: "master",
      after: "127.0.1.1\tlab-01 printer # ours\n",
    },
  ],
  [
    "names of a host of the past go",
    { before: "127.0.1.1 older\n", old: "master", after: "127.0.1.1\tlab-01\n" },
  ],
  [
    "a longer name is another one",
    { before: "127.0.1.1 master master2\n", old: "master", after: "127.0.1.1\tlab-01 master2\n" },
  ],
  [
    "without a line there is one",
    { before: "127.0.0.1 localhost", old: "master", after: "127.0.0.1 localhost\n127.0.1.1\tlab-01\n" },
  ],
  [
    "without an old name the line is the new one's",
    { before: "127.0.1.1 x\n", old: null, after: "127.0.1.1\tlab-01\n" },
  ],
  [
    "without a file there is one",
    { before: null, old: null, after: "127.0.0.1\tlocalhost\n127.0.1.1\tlab-01\n" },
  ],
  [
    "other hosts called so are other hosts",
    {
      before: "10.0.0.1 master\n127.0.1.1 master\n",
      old: "master",
      after: "10.0.0.1 master\n127.0.1.1\tlab-01\n",
    },
  ],
];

for (const [name, { before, old, after }] of CASES) {
  test(name, () => {
    expect(hostsFile(before === null ? null : Buffer.from(before), old, "lab-01").toString()).toBe(after);
    expect(hostsFile(Buffer.from(after), "lab-01", "lab-01").toString()).toBe(after);
  });
}

test("the old name is the first line that is no remark", () => {
  expect(hostNameIn(Buffer.from("# set by hand\n\n master \n"))).toBe("master");
  expect(hostNameIn(Buffer.from("\n"))).toBeNull();
});

// One line set in a text: each row is a file before, what is asked, and the file after. Asking again changes nothing.
import { expect, test } from "vitest";
import { setLine } from "./set-line.ts";

const CASES: readonly [string, { before: string; match: string; line: string; after: string }][] = [
  ["a line is replaced", { before: "A=1\nB=2\n", match: "A=", line: "A=9", after: "A=9\nB=2\n" }],
  ["a line is appended", { before: "B=2\n", match: "A=", line: "A=9", after: "B=2\nA=9\n" }],
  ["a last line without a break gets one", { before: "B=2", match: "A=", line: "A=9", after: "B=2\nA=9\n" }],
  [
    "a last line without a break is replaced",
    { before: "B=2\nA=1", match: "A=", line: "A=9", after: "B=2\nA=9" },
  ],
  ["an empty file gets its first line", { before: "", match: "A=", line: "A=9", after: "A=9\n" }],
  [
    "of several lines one is left",
    { before: "A=1\nB=2\nA=3\nC=4\n", match: "A=", line: "A=9", after: "A=9\nB=2\nC=4\n" },
  ],
  ["only beginnings count", { before: "xA=1\n A=1\n", match: "A=", line: "A=9", after: "xA=1\n A=1\nA=9\n" }],
  [
    "Windows' line ends are kept",
    { before: "A=1\r\nB=2\r\n", match: "B=", line: "B=9", after: "A=1\r\nB=9\r\n" },
  ],
  [
    "Windows' line ends are appended",
    { before: "A=1\r\n", match: "B=", line: "B=9", after: "A=1\r\nB=9\r\n" },
  ],
  ["patterns mean nothing", { before: "A.*=1\nAxx=1\n", match: "A.*", line: "B", after: "B\nAxx=1\n" }],
  ["a UTF-8 mark stays first", { before: "\ufeffA=1\n", match: "A=", line: "A=ü", after: "\ufeffA=ü\n" }],
  [
    "a commented setting is taken over",
    { before: "#Port 22\n", match: "#Port", line: "Port 2222", after: "Port 2222\n" },
  ],
  ["an empty line is set", { before: "A=1\nB\n", match: "A=", line: "", after: "\nB\n" }],
];

for (const [name, { before, match, line, after }] of CASES) {
  test(name, () => {
    expect(setLine(Buffer.from(before), match, line)?.toString()).toBe(after);
    expect(setLine(Buffer.from(after), match, line)?.toString()).toBe(after);
  });
}

test("bytes that are no UTF-8 come out as they went in", () => {
  const odd = Buffer.from([0xff, 0x80, 0x0a, 0x41, 0x3d, 0x0a]);
  expect(setLine(odd, "A=", "A=1")).toEqual(Buffer.from([0xff, 0x80, 0x0a, 0x41, 0x3d, 0x31, 0x0a]));
});

test("UTF-16 is not touched", () => {
  expect(setLine(Buffer.from("\ufeffA=1\n", "utf16le"), "A=", "A=2")).toBeNull();
});

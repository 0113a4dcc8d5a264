// Tables as programs and people write them, and as nobody should.
import { describe, expect, test } from "vitest";
import {
  delimiterOf,
  guardCell,
  parseClipboard,
  parseTable,
  printTable,
  TABLE_BYTES_MAX,
  textOfTable,
  unguardCell,
} from "./delimited-text.ts";

const cellsOf = (text: string) => parseTable(text, delimiterOf(text)).map(({ cells }) => cells);

describe("a table is read", () => {
  const CASES: readonly [string, string, string[][]][] = [
    [
      "of commas",
      "pc,a\nx,1\n",
      [
        ["pc", "a"],
        ["x", "1"],
      ],
    ],
    [
      "without an end of its last line",
      "pc,a\nx,1",
      [
        ["pc", "a"],
        ["x", "1"],
      ],
    ],
    [
      "of a German Excel",
      "pc;a;b\r\nx;1,5;2\r\n",
      [
        ["pc", "a", "b"],
        ["x", "1,5", "2"],
      ],
    ],
    [
      "of tabs",
      "pc\ta\nx\t1,2\n",
      [
        ["pc", "a"],
        ["x", "1,2"],
      ],
    ],
    [
      "with a mark before it",
      "\ufeffpc,a\nx,1\n",
      [
        ["pc", "a"],
        ["x", "1"],
      ],
    ],
    [
      "with quotes",
      'pc,a\n"x","1,""2"""\n',
      [
        ["pc", "a"],
        ["x", '1,"2"'],
      ],
    ],
    [
      "with line breaks in a cell",
      'pc,a\r\nx,"two\r\nlines"\r\n',
      [
        ["pc", "a"],
        ["x", "two\nlines"],
      ],
    ],
    [
      "with a quote inside a bare cell",
      'pc,a\nx,5" disk\n',
      [
        ["pc", "a"],
        ["x", '5" disk'],
      ],
    ],
    [
      "with the line ends of old Macs",
      "pc,a\rx,1\r",
      [
        ["pc", "a"],
        ["x", "1"],
      ],
    ],
    [
      "with empty lines",
      "pc,a\n\n\nx,1\n\n",
      [
        ["pc", "a"],
        ["x", "1"],
      ],
    ],
    [
      "with empty cells",
      "pc,a,b\nx,,\n",
      [
        ["pc", "a", "b"],
        ["x", "", ""],
      ],
    ],
    ["of one column", "pc\nx\n", [["pc"], ["x"]]],
    ["that is empty", "", []],
  ];
  for (const [what, text, expected] of CASES) test(what, () => expect(cellsOf(text)).toEqual(expected));

  test("and knows the line of each row, also behind line breaks in cells", () => {
    expect(parseTable('a,b\n1,"x\ny\nz"\n\n2,w\n', ",").map(({ line }) => line)).toEqual([1, 2, 6]);
  });
});

describe("a table is refused, with its line", () => {
  const CASES: readonly [string, string, string][] = [
    ["a quote that never closes", 'pc,a\nx,"1\n', "Line 2"],
    ["text behind a closing quote", 'pc,a\nx,1\ny,"1"2\n', "Line 3"],
    ["a NUL", "pc,a\nx,1\0\n", "Line 2"],
    ["a NUL in quotes", 'pc,a\nx,"1\0"\n', "Line 2"],
  ];
  for (const [what, text, words] of CASES) {
    test(what, () =>
      expect(() => cellsOf(text)).toThrow(
        expect.objectContaining({ code: "input-invalid", message: expect.stringContaining(words) }),
      ),
    );
  }
});

describe("bytes become text", () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);
  test("of UTF-8, UTF-16 with its mark, and Windows-1252", () => {
    expect(textOfTable(new TextEncoder().encode("Säle"))).toBe("Säle");
    expect(textOfTable(bytes(0xff, 0xfe, 0xe4, 0))).toBe("ä");
    expect(textOfTable(bytes(0xfe, 0xff, 0, 0xe4))).toBe("ä");
    expect(textOfTable(bytes(0x53, 0xe4))).toBe("Sä");
  });
  test("but not ten million of them", () => {
    expect(() => textOfTable(new Uint8Array(10 * 1024 * 1024))).toThrow(
      expect.objectContaining({ code: "input-invalid" }),
    );
  });
});

test("the largest table is read or refused at once, whatever it is made of", () => {
  const HOSTILE = [",", '"', '""', '",', '"\n', "\r", "\n", 'a"', '"a"b', ";\t,", "'=", 'x,"\n'];
  const began = performance.now();
  for (const piece of HOSTILE) {
    const text = piece.repeat(TABLE_BYTES_MAX / piece.length);
    try {
      parseTable(text, ",");
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: "input-invalid" });
    }
    parseClipboard(text.slice(0, TABLE_BYTES_MAX / 2));
  }
  expect(performance.now() - began).toBeLessThan(20_000);
});

describe("the clipboard", () => {
  const CASES: readonly [string, string, string[][]][] = [
    [
      "a block",
      "1\t2\r\n3\t4\r\n",
      [
        ["1", "2"],
        ["3", "4"],
      ],
    ],
    ["one cell", "1\r\n", [["1"]]],
    ["one cell without an end", "1", [["1"]]],
    ["empty rows in the middle", "1\n\n2\n", [["1"], [""], ["2"]]],
    ["a cell of two lines", '"a\nb"\tc\n', [["a\nb", "c"]]],
    ["quotes that were copied as they stand", '"a\tb\n', [['"a', "b"]]],
    ["nothing", "", [[""]]],
  ];
  for (const [what, text, expected] of CASES)
    test(what, () => expect(parseClipboard(text)).toEqual(expected));
});

describe("a printed table", () => {
  const VALUES = [
    ...["plain", "", " spaces ", "a,b", "a;b", 'a "quote"', "two\nlines", "tab\there", "ä €"],
    ...["=1+1", "+1", "-1", "@x", "'=1", "''=1", "'plain", "'", "＝1", "\tx", "\nx"],
  ];
  test("is read back as it was", () => {
    const rows = [["pc", "value"], ...VALUES.map((value) => ["x", guardCell(value)])];
    const read = cellsOf(printTable(rows)).map((cells) => cells.map(unguardCell));
    expect(read).toEqual([["pc", "value"], ...VALUES.map((value) => ["x", value])]);
  });
  test("holds nothing that a spreadsheet runs", () => {
    for (const value of VALUES) expect(guardCell(value)).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/);
    for (const value of ["'=1", "=1"]) expect(unguardCell(value)).toBe("=1");
    expect(unguardCell("'plain")).toBe("'plain");
  });
});

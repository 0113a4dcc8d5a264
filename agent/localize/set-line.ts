// One line of a text file set, every other byte left as it is: encodings are not guessed, line ends are kept. Doing it twice changes
// nothing the second time. Pure.

const UTF8_MARK = "\u00ef\u00bb\u00bf"; // EF BB BF, read byte by byte.
const UTF16_MARKS = ["\u00ff\u00fe", "\u00fe\u00ff"];

/** Null when the file is UTF-16, in which a line of UTF-8 would be garbage. */
export function setLine(bytes: Buffer, match: string, line: string): Buffer | null {
  // One character per byte: what is not understood comes out as it went in.
  const whole = bytes.toString("latin1");
  if (UTF16_MARKS.some((mark) => whole.startsWith(mark))) return null;
  const mark = whole.startsWith(UTF8_MARK) ? UTF8_MARK : "";
  const lines = whole.slice(mark.length).split("\n");
  const prefix = bytewise(match);
  const wanted = bytewise(line);
  const kept: string[] = [];
  let isSet = false;
  for (const present of lines) {
    const carriageReturn = present.endsWith("\r") ? "\r" : "";
    if (!present.startsWith(prefix)) kept.push(present);
    else if (!isSet) {
      kept.push(wanted + carriageReturn);
      isSet = true;
    }
  }
  // A line that does not begin with what it replaces is not found by it the second time.
  isSet ||= lines.some((present) => present.replace(/\r$/, "") === wanted);
  if (!isSet) append(kept, wanted);
  return Buffer.from(mark + kept.join("\n"), "latin1");
}

/** `lines` end in an empty one when the text ends in a line break. */
function append(lines: string[], line: string): void {
  const carriageReturn = lines[0]?.endsWith("\r") === true ? "\r" : "";
  const last = lines.pop() ?? "";
  if (last !== "") lines.push(last + carriageReturn);
  lines.push(line + carriageReturn, "");
}

function bytewise(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

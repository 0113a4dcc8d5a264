// The result as a picture: one panel per figure, one bar per tool, plain SVG. Follows the reader's light or dark theme.
export interface Panel {
  readonly title: string;
  readonly format: (value: number) => string;
  readonly bars: readonly { readonly name: string; readonly value: number | null }[];
}

const WIDTH = 760;
const MARGIN = 20;
const TITLE_HEIGHT = 26;
const BAR_HEIGHT = 20;
const PANEL_GAP = 18;
const NAME_WIDTH = 110;
const VALUE_WIDTH = 100;

export const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2933; }
  .title { font-weight: 600; }
  .page { fill: #ffffff; }
  .ours { fill: #2f6f4f; }
  .peer { fill: #a9b4bf; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e4e9ee; }
    .page { fill: #14191e; }
    .ours { fill: #6bbf93; }
    .peer { fill: #55626e; }
  }`;

export function chartOf(title: string, panels: readonly Panel[]): string {
  const parts: string[] = [];
  let top = MARGIN + TITLE_HEIGHT;
  for (const panel of panels) {
    parts.push(panelOf(panel, top));
    top += TITLE_HEIGHT + panel.bars.length * BAR_HEIGHT + PANEL_GAP;
  }
  const height = top + MARGIN - PANEL_GAP;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeText(title)}">
<style>${STYLE}
</style>
<rect class="page" width="${WIDTH}" height="${height}"/>
<text class="title" x="${MARGIN}" y="${MARGIN + 10}">${escapeText(title)}</text>
${parts.join("\n")}
</svg>
`;
}

/** Bars of a panel are drawn to the panel's own scale, from zero. */
function panelOf({ title, format, bars }: Panel, top: number): string {
  const largest = Math.max(0, ...bars.map(({ value }) => value ?? 0));
  const room = WIDTH - 2 * MARGIN - NAME_WIDTH - VALUE_WIDTH;
  const lines = bars.map(({ name, value }, index) => {
    const y = top + TITLE_HEIGHT + index * BAR_HEIGHT;
    const width = largest === 0 || value === null ? 0 : (room * value) / largest;
    const left = MARGIN + NAME_WIDTH;
    const role = name.startsWith("sheepfold") ? "ours" : "peer";
    const written = value === null ? "not measured" : format(value);
    return (
      `<text x="${MARGIN}" y="${y + 13}">${escapeText(name)}</text>` +
      `<rect class="${role}" x="${left}" y="${y + 2}" width="${width.toFixed(1)}" height="${BAR_HEIGHT - 5}"/>` +
      `<text x="${(left + width + 6).toFixed(1)}" y="${y + 13}">${escapeText(written)}</text>`
    );
  });
  return [`<text class="title" x="${MARGIN}" y="${top + 14}">${escapeText(title)}</text>`, ...lines].join(
    "\n",
  );
}

export function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

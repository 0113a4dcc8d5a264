// From logical to stored, step by step: what each technique took away, and what bookkeeping added. Drawn as plain bars in
// a table, so that shape and figures are one thing. The steps sum exactly.
import { formatShare } from "#lib/model/units.ts";
import { ByteCount } from "../ui/byte-count.tsx";
import { classNames } from "../ui/class-names.ts";
import { HeadRow, Row, Table, Td, Th } from "../ui/table.tsx";
import type { StorageSizes } from "./chart-parts.ts";
import { type WaterfallStep, waterfallSteps } from "./waterfall-steps.ts";

const FILLS = { total: "bg-accent-fill", saved: "bg-ok-fill", added: "bg-warn-fill" } as const;

export function SavingsWaterfall({ sizes }: { sizes: StorageSizes }) {
  const steps = waterfallSteps(sizes);
  return (
    <div className="-m-4">
      <Table label="From logical to stored bytes">
        <HeadRow>
          <Th>Step</Th>
          <Th className="hidden w-full sm:table-cell">
            <span className="sr-only">Bar</span>
          </Th>
          <Th className="text-right">Bytes</Th>
          <Th className="text-right">Of logical</Th>
        </HeadRow>
        <tbody>
          {steps.map((step) => (
            <Row key={step.label}>
              <Td className="w-full sm:w-auto sm:min-w-44">
                <span className={step.kind === "total" ? "font-medium" : "text-ink-2"}>{step.label}</span>
                <div className="mt-1 sm:hidden">
                  <Bar step={step} sizes={sizes} />
                </div>
              </Td>
              <Td className="hidden sm:table-cell">
                <Bar step={step} sizes={sizes} />
              </Td>
              <Td className="whitespace-nowrap text-right">
                {step.kind === "saved" ? "−" : step.kind === "added" ? "+" : ""}
                <ByteCount bytes={step.lengthBytes} />
              </Td>
              <Td className="text-right text-ink-2">{formatShare(step.lengthBytes, sizes.logicalBytes)}</Td>
            </Row>
          ))}
        </tbody>
      </Table>
    </div>
  );
}

function Bar({ step, sizes }: { step: WaterfallStep; sizes: StorageSizes }) {
  return (
    <div aria-hidden className="relative h-3.5">
      <div
        className={classNames("absolute inset-y-0 min-w-px rounded-sm", FILLS[step.kind])}
        style={{ left: `${percent(step.fromBytes, sizes)}%`, width: `${percent(step.lengthBytes, sizes)}%` }}
      />
    </div>
  );
}

/** Of the wider of logical and stored: a store of one small snapshot can be larger than what it holds. */
function percent(bytes: number, sizes: StorageSizes): number {
  const whole = Math.max(sizes.logicalBytes, sizes.storedBytes, 1);
  return Math.min(100, (100 * bytes) / whole);
}

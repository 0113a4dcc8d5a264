// How many chains the gateway feeds side by side. One is enough while its line is as fast as a PC's: the line is full. A faster
// one can feed several, which makes each shorter; with as many chains as PCs, everyone takes from the gateway, a star.

export interface LineSpeeds {
  /** Of the gateway's line. */
  readonly gatewayMbit: number;
  /** Of a PC's. */
  readonly pcMbit: number;
}

export function chainCount(pcCount: number, { gatewayMbit, pcMbit }: LineSpeeds): number {
  return Math.max(1, Math.min(pcCount, Math.floor(gatewayMbit / pcMbit)));
}

// assert states what can only be false through a bug of ours; it stops the work at once with the claim.
// Bad input and failing disks are not bugs: they get a CodedError (errors.ts).

export function assert(claim: unknown, message: string): asserts claim {
  if (!claim) throw new Error(`Bug: ${message}`);
}

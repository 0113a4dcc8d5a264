// What partition types are called, for people. An unknown type keeps its number.

const GPT_TYPES: Readonly<Record<string, string>> = {
  "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI System",
  "21686148-6449-6e6f-744e-656564454649": "BIOS boot",
  "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux filesystem",
  "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "Linux root (x86-64)",
  "933ac7e1-2eb4-4f13-b844-0e14e2aef915": "Linux home",
  "bc13c2ff-59e6-4262-a352-b275fd6f7172": "Linux extended boot",
  "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "Linux swap",
  "e6d6d379-f507-44c2-a23c-238f2a3df928": "Linux LVM",
  "a19d880f-05fc-4d3b-a006-743f0f84911e": "Linux RAID",
  "ca7d7ccb-63ed-4c53-861c-1742536059cc": "Linux LUKS",
  "e3c9e316-0b5c-4db8-817d-f92df00215ae": "Microsoft reserved",
  "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "Microsoft basic data",
  "de94bba4-06d1-4d40-a16a-bfd50179d6ac": "Windows recovery",
};

const MBR_TYPES: Readonly<Record<number, string>> = {
  1: "FAT12",
  4: "FAT16",
  5: "Extended",
  6: "FAT16",
  7: "NTFS/exFAT",
  11: "FAT32",
  12: "FAT32 LBA",
  14: "FAT16 LBA",
  15: "Extended LBA",
  39: "Windows recovery",
  130: "Linux swap",
  131: "Linux",
  133: "Linux extended",
  142: "Linux LVM",
  239: "EFI System",
  253: "Linux RAID",
};

export function gptTypeName(guid: string): string {
  return GPT_TYPES[guid] ?? guid;
}

export function mbrTypeName(type: number): string {
  return MBR_TYPES[type] ?? `type 0x${type.toString(16).padStart(2, "0")}`;
}

// A host's name in the SYSTEM hive: the values that Windows itself writes when somebody renames a PC, in the control set it will start
// with. ActiveComputerName is made anew at each start and usually not in the file; where it is, it is set, too.
import { type RegistryChange, textValue } from "./change-hive.ts";
import { Hive } from "./hive.ts";
import { recipeRefused } from "./refusal.ts";

export const SYSTEM_HIVE = "/Windows/System32/config/SYSTEM";
const NETBIOS_CHARACTERS_MAX = 15;

/** What Windows can be called. Cut off, names of a classroom would no longer differ. */
export function checkWindowsName(hostName: string): void {
  if (hostName.length <= NETBIOS_CHARACTERS_MAX && !/^\d+$/.test(hostName)) return;
  throw recipeRefused(
    `Windows cannot be called ${hostName}.`,
    `Choose a name of at most ${NETBIOS_CHARACTERS_MAX} characters that is not a number.`,
  );
}

export function windowsNameChanges(bytes: Buffer, path: string, hostName: string): RegistryChange[] {
  checkWindowsName(hostName);
  const hive = new Hive(bytes, path);
  const controlSet = currentControlSet(hive, path);
  const names = [controlSet, "Control", "ComputerName"];
  const parameters = [controlSet, "Services", "Tcpip", "Parameters"];
  const netbios = textValue("ComputerName", hostName.toUpperCase());
  const active = [...names, "ActiveComputerName"];
  return [
    { key: [...names, "ComputerName"], value: netbios },
    ...(hive.find(active).key === null ? [] : [{ key: active, value: netbios }]),
    { key: parameters, value: textValue("Hostname", hostName) },
    { key: parameters, value: textValue("NV Hostname", hostName) },
  ];
}

/** "CurrentControlSet" exists only while Windows runs: Select says which one it stands for. */
function currentControlSet(hive: Hive, path: string): string {
  const { key } = hive.find(["Select"]);
  const current =
    key === null ? undefined : hive.values(key).find(({ name }) => name.toUpperCase() === "CURRENT");
  const number = current?.data.length === 4 ? current.data.readUInt32LE() : 0;
  const controlSet = `ControlSet${String(number).padStart(3, "0")}`;
  if (number > 0 && hive.find([controlSet]).key !== null) return controlSet;
  throw recipeRefused(
    `${path} does not say which control set is the current one.`,
    "Check that the partition is that of an installed Windows.",
  );
}

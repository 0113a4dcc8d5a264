// The version of this Sheepfold, said once: in package.json. Agent and server tell it each other, the programs print it.
import manifest from "../../package.json" with { type: "json" };

export const SHEEPFOLD_VERSION: string = manifest.version;

// cloud-init as Debian ships it, unpacked into a folder: installed, it would take part in this machine's next boot. Its Python
// libraries are installed, they do nothing by themselves.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { emptyFolder, tool } from "./test-tools.ts";

const LIBRARIES = {
  configobj: "python3-configobj",
  jinja2: "python3-jinja2",
  jsonpatch: "python3-jsonpatch",
  jsonschema: "python3-jsonschema",
  netifaces: "python3-netifaces",
  oauthlib: "python3-oauthlib",
  requests: "python3-requests",
  serial: "python3-serial",
  yaml: "python3-yaml",
} as const;
const PACKAGES = "usr/lib/python3/dist-packages";

export interface CloudInit {
  /** What the package's files lie below. */
  readonly root: string;
  run(...args: string[]): string;
}

export function unpackCloudInit(folder: string): CloudInit {
  const installed = readdirSync("/usr/lib/python3/dist-packages");
  for (const [library, packageName] of Object.entries(LIBRARIES)) {
    if (!installed.some((name) => name.replace(/\..*/, "") === library))
      throw new Error(`Python's library ${library} is missing: install ${packageName}.`);
  }
  const root = join(emptyFolder(folder), "root");
  const download = () =>
    tool("/usr/bin/apt-get", ["-o", "APT::Sandbox::User=root", "download", "cloud-init"], { cwd: folder });
  try {
    download();
  } catch {
    // The list of packages may be missing or old; when it is not that, the second attempt says what it is.
    tool("/usr/bin/apt-get", ["update", "-q"]);
    download();
  }
  const archive = readdirSync(folder).find((name) => name.endsWith(".deb")) ?? "";
  tool("/usr/bin/dpkg", ["-x", join(folder, archive), root]);
  if (!existsSync(join(root, "usr/lib/cloud-init/ds-identify")))
    throw new Error(`${archive} is not cloud-init.`);
  const cloudInit: CloudInit = {
    root,
    run: (...args) =>
      tool("/usr/bin/python3", [join(root, "usr/bin/cloud-init"), ...args], {
        environment: { PYTHONPATH: join(root, PACKAGES) },
      }).toString(),
  };
  // Python keeps what it compiled: a slow Linux of its own is spared that.
  cloudInit.run("--version");
  return cloudInit;
}

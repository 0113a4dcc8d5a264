// npm run dev: the whole product with a compiling-as-you-go dashboard and a small practice classroom; Ctrl-C stops all of it.
import { failureReportOf } from "#lib/model/errors.ts";
import { ApiClient } from "./stack/api-client.ts";
import { stopAllChildren } from "./stack/child-process.ts";
import { startSimulatedClassroom } from "./stack/classroom.ts";
import { startStack } from "./stack/stack.ts";

const say = (line: string) => console.log(line);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, async () => {
    await stopAllChildren();
    process.exit(0);
  });
}

try {
  const stack = await startStack({ dir: ".sheepfold/dev", app: "development", log: say });
  const api = new ApiClient(stack.appUrl);
  await api.signIn(stack.admin);
  await startSimulatedClassroom(stack, api, { name: "Dev room", pcCount: 3, log: say });
  say(`${stack.appUrl}  sign in as ${stack.admin.email} with ${stack.admin.password}`);
  await new Promise(() => undefined);
} catch (thrown) {
  const failure = failureReportOf(thrown);
  console.error(failure.message);
  if (failure.hint !== null) console.error(`  → ${failure.hint}`);
  await stopAllChildren();
  process.exit(1);
}

// The same room served by udpcast (Debian's package): one multicast stream to all, which a switch copies. Whoever misses packets
// has them sent again to everybody.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export function hasUdpcast(): boolean {
  try {
    execFileSync("which", ["udp-sender", "udp-receiver"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Seconds from the sender's start until each PC has everything. The namespaces are there already. */
export async function runUdpcast(folder: string, names: readonly string[]): Promise<number[]> {
  const inside = (name: string, command: string, ...args: string[]) =>
    spawn("ip", ["netns", "exec", name, command, ...args, "--nokbd", "--interface", "eth0"], {
      stdio: ["ignore", "ignore", "ignore"],
    });
  const receivers = names.map((name) => inside(name, "udp-receiver", "--file", join(folder, name)));
  // Until they listen.
  await delay(2_000);
  const began = performance.now();
  const ends = receivers.map(async (receiver) => {
    const [code] = (await once(receiver, "exit")) as [number];
    if (code !== 0) throw new Error("A receiver of udpcast failed.");
    return (performance.now() - began) / 1000;
  });
  const wanted = String(names.length);
  const sender = inside("source", "udp-sender", "--file", join(folder, "target"), "--min-receivers", wanted);
  await once(sender, "exit");
  return Promise.all(ends);
}

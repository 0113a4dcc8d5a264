// The agent's log: one line per event on stdout, for the journal or a screen without a keyboard.

export interface AgentLog {
  info(message: string): void;
  warn(message: string): void;
}

export const stdoutLog: AgentLog = {
  info: (message) => void process.stdout.write(`${message}\n`),
  warn: (message) => void process.stdout.write(`warning: ${message}\n`),
};

// For tests: a mail server that takes what it is given and keeps it, or says no with the answer it was told to give. SMTP as far as one client
// needs it (RFC 5321): no TLS, no sign-in.
import net from "node:net";

export interface SmtpSink {
  readonly port: number;
  /** As they came: headers, an empty line, text. */
  readonly mails: readonly string[];
  /** Answer to every recipient from now on, such as "550 No such user here"; null: takes them. */
  refuse(answer: string | null): void;
  close(): Promise<void>;
}

export async function startSmtpSink(): Promise<SmtpSink> {
  const mails: string[] = [];
  let refusal: string | null = null;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    const say = (line: string) => socket.write(`${line}\r\n`);
    let pending = "";
    let mail: string | null = null;
    say("220 sink.example.org ready");
    const command = (line: string) => {
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === "RCPT" && refusal !== null) say(refusal);
      else if (verb === "DATA") {
        mail = "";
        say("354 go on");
      } else if (verb === "QUIT") socket.end("221 bye\r\n");
      else say("250 ok");
    };
    const data = (line: string) => {
      if (line !== ".") mail += `${line.replace(/^\./, "")}\n`;
      else {
        mails.push(mail ?? "");
        mail = null;
        say("250 kept as number 7");
      }
    };
    socket.on("data", (bytes) => {
      const lines = (pending + bytes.toString("utf8")).split("\r\n");
      pending = lines.pop() ?? "";
      for (const line of lines) (mail === null ? command : data)(line);
    });
    socket.on("error", () => undefined); // a client that leaves early is the client's business
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("Bug: a TCP server has a port");
  return {
    port: address.port,
    mails,
    refuse: (answer) => {
      refusal = answer;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** A mail's text without its transfer encoding. */
export function plainText(mail: string): string {
  const [head = "", ...body] = mail.split("\n\n");
  const text = body.join("\n\n");
  if (/quoted-printable/i.test(head)) {
    const bytes = text
      .replace(/=\n/g, "")
      .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    return `${head}\n\n${Buffer.from(bytes, "latin1").toString("utf8")}`;
  }
  if (/base64/i.test(head)) return `${head}\n\n${Buffer.from(text, "base64").toString("utf8")}`;
  return mail;
}

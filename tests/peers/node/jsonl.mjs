// The wire between a test and a peer: one JSON object a line on stdin, one answer a line on stdout, in order.
// stdout carries nothing else (libraries that print go to stderr), and the peer dies with its stdin, so that a
// killed test leaves no orphan.
import readline from 'node:readline';

// Set before any library is imported: oidc-provider greets an unusual runtime on console.info.
console.log = console.info = console.error;

export const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** Answers each command with {"ok":true,...} or {"ok":false,"error","code"?,"cause"?}; `id` is echoed when given. */
export async function serve(lines, commands) {
  for await (const line of { [Symbol.asyncIterator]: () => lines }) {
    if (!line.trim()) continue;
    let id;
    try {
      const { cmd, id: given, ...args } = JSON.parse(line);
      id = given;
      if (!Object.hasOwn(commands, cmd)) throw new Error(`unknown cmd ${JSON.stringify(cmd)}; known: ${Object.keys(commands).join(', ')}`);
      say({ ok: true, id, ...(await commands[cmd](args)) });
    } catch (error) {
      say({ ok: false, id, ...describe(error) });
    }
  }
  process.exit(0);
}

export const stdinLines = () => readline.createInterface({ input: process.stdin, crlfDelay: Infinity })[Symbol.asyncIterator]();

// What a test can assert on: the library's own code, and the OAuth error that the server sent, when it sent one.
function describe(error) {
  const cause = error?.cause;
  return {
    error: error?.message ?? String(error),
    code: error?.code,
    oauth_error: error?.error,
    oauth_error_description: error?.error_description,
    status: error?.status,
    cause: cause instanceof Error ? cause.message : undefined,
  };
}

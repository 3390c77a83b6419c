import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const PROGRAM = `
  const server = require('node:net').createServer();
  server.listen({ path: process.argv[1], backlog: 1 }, () => console.log('listens'));
`;

/** A process that listens on a unix socket. */
export async function holdSocket(path: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', PROGRAM, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout ?? child, 'data');
  return child;
}

/** As `kill -9` leaves it: the socket file stays. */
export async function leaveStaleSocket(path: string): Promise<void> {
  const child = await holdSocket(path);
  child.kill('SIGKILL');
  await once(child, 'exit');
}

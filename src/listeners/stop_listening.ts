import type { Server } from 'node:http';

/** `127.0.0.1:8080`, `[::1]:8080` or `unix:/path`; port 0: one that is free. */
export type ListenAddress = string;

/** No more connections; those that are idle end now, the others with their answer, or by force after `grace` milliseconds. */
export async function stopListening(server: Server, grace: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), grace);
  await closed;
  clearTimeout(force);
}

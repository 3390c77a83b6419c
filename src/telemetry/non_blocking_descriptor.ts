import { constants, fstatSync, openSync } from 'node:fs';

/** Standard output or standard error, as a descriptor whose writes fail with EAGAIN where its reader does not keep up. */
export function nonBlockingDescriptor(standard: 1 | 2): number {
  try {
    // A file has no reader, and opening it once more would begin at its start.
    if (fstatSync(standard).isFile()) return standard;
    // Opened once more, so that other processes that share the pipe or terminal keep their mode.
    return openSync(`/proc/self/fd/${standard}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // A socket, or a pipe of another user, cannot be opened by name. Node makes it non-blocking for its own stream.
    void (standard === 1 ? process.stdout : process.stderr);
    return standard;
  }
}

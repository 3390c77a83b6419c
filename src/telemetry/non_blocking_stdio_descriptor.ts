import { constants, fstatSync, openSync } from 'node:fs';

/**
 * A descriptor of standard output or standard error whose writes fail with EAGAIN while the reader does not keep up.
 */
export function nonBlockingDescriptor(standard: 1 | 2): number {
  try {
    // A file has no reader, and a second open would write from its start.
    if (fstatSync(standard).isFile()) return standard;
    // A second open, because the mode of the first is shared with other processes on the pipe or terminal.
    return openSync(`/proc/self/fd/${standard}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // A socket, or a pipe of another user, cannot be opened by name. Node makes it non-blocking for its own stream.
    void (standard === 1 ? process.stdout : process.stderr);
    return standard;
  }
}

/**
 * The class of an unexpected error and the frames of its stack. Never its message: those of foreign errors hold
 * parameters, names and worse.
 */
export function errorLocation(error: unknown): { error: string; stack: string } {
  const thrown = causeOf(error);
  if (!(thrown instanceof Error)) return { error: typeof thrown, stack: '' };
  return { error: thrown.constructor.name, stack: framesOf(thrown) };
}

/** A message may have lines of its own, so that only what looks like a frame is one: `    at name (file:1:2)`. */
function framesOf({ stack = '', message }: Error): string {
  const frames = stack.slice(stack.indexOf(message) + message.length);
  return (frames.match(/^ {4}at (?:[\w$.<>[\] ]{1,120} )?\(?(?:file:|node:|\/)[^\s()]{1,300}\)?$/gm) ?? []).join('\n');
}

/** What really happened lies in an INTERNAL of ours. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.name === 'VaultError' && error.cause !== undefined ? error.cause : error;
}

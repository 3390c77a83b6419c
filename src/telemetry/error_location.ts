/**
 * The class of an unexpected error and the frames of its stack. Its message is left out, because messages of libraries
 * contain parameters and names.
 */
export function errorLocation(error: unknown): { error: string; stack: string } {
  const thrown = causeOf(error);
  if (!(thrown instanceof Error)) return { error: typeof thrown, stack: '' };
  return { error: thrown.constructor.name, stack: framesOf(thrown) };
}

/** Lines of the form `    at name (file:1:2)`; a message may span several lines too. */
function framesOf({ stack = '', message }: Error): string {
  const frames = stack.slice(stack.indexOf(message) + message.length);
  return (frames.match(/^ {4}at (?:[\w$.<>[\] ]{1,120} )?\(?(?:file:|node:|\/)[^\s()]{1,300}\)?$/gm) ?? []).join('\n');
}

/** An INTERNAL error of the vault wraps the original error. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.name === 'VaultError' && error.cause !== undefined ? error.cause : error;
}

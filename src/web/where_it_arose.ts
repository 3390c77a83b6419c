/** The class of an unexpected error and the frames of its stack, without its message: that may hold anything. */
export function whereItArose(error: unknown): { error: string; stack: string } {
  if (!(error instanceof Error)) return { error: typeof error, stack: '' };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return { error: error.constructor.name, stack: frames.join('\n') };
}

/**
 * What is wrong with the characters of a variable's value; undefined: nothing. Files with Windows line endings and
 * copied values contain blanks and carriage returns, which terminals do not show and libraries treat differently.
 */
export function strayCharacters(value: string): string | undefined {
  const [first = '', last = ''] = [value.at(0), value.at(-1)];
  if (/\s/.test(last)) return `ends with a ${NAMES[last] ?? 'blank'}; remove it`;
  if (/\s/.test(first)) return `begins with a ${NAMES[first] ?? 'blank'}; remove it`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are the subject of the search
  if (/[\x00-\x1f\x7f]/.test(value)) return 'contains a control character (a line break, a tab); remove it';
  return undefined;
}

const NAMES: Readonly<Record<string, string>> = { '\r': 'carriage return', '\n': 'line break', '\t': 'tab' };

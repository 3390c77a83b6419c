import { fieldInvalid } from './errors.ts';

const MOST_LABELS = 64;
const LONGEST_TEXT = 128;
const LONGEST_EXTERNAL_ID = 256;

export function checkText(field: string, text: string, longest = LONGEST_TEXT): string {
  // Control characters and lone surrogates would break terminals, logs and status details.
  if (text.length <= longest && !/\p{Cc}/u.test(text) && text.isWellFormed()) return text;
  throw fieldInvalid(field, `must be at most ${longest} characters, without control characters`);
}

export function checkExternalId(field: string, text: string): string {
  return checkText(field, text, LONGEST_EXTERNAL_ID);
}

export function checkLabels(field: string, labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(labels);
  if (entries.length > MOST_LABELS) throw fieldInvalid(field, `must be at most ${MOST_LABELS}`);
  for (const [key, value] of entries) {
    if (!/^[a-z][a-z0-9_.-]{0,62}$/.test(key)) throw fieldInvalid(field, 'keys must match [a-z][a-z0-9_.-]{0,62}');
    checkText(`${field}.${key}`, value);
  }
  return labels;
}

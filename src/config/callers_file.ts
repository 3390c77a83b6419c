import type { KnownCallers } from '../model/authenticated_caller.ts';
import { type CallersVocabulary, readCallers } from './read_callers_file.ts';
import { readSettled, type SettledFile } from './settled_file_reload.ts';

/** The callers file, to be read once or again and again. */
export function callersFile(path: string, vocabulary: CallersVocabulary): SettledFile<KnownCallers> {
  return {
    path,
    what: 'callers file',
    parse: ({ text, sha256 }) => ({ ...readCallers(text, path, vocabulary), sha256 }),
  };
}

/** FIELD_INVALID with all faults at once. */
export async function readCallersFile(path: string, vocabulary: CallersVocabulary): Promise<KnownCallers> {
  const file = callersFile(path, vocabulary);
  return file.parse(await readSettled(file));
}

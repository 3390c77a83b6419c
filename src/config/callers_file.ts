import type { KnownCallers } from '../model/authenticated_caller.ts';
import { type CallersVocabulary, readCallers } from './read_callers_file.ts';
import { oneFile, readOnce, type SettledFile } from './settled_file_reload.ts';

/** The callers file, to be read once or again and again. */
export function callersFile(path: string, vocabulary: CallersVocabulary): SettledFile<KnownCallers> {
  return oneFile(path, 'callers file', ({ text, sha256 }) => ({ ...readCallers(text, path, vocabulary), sha256 }));
}

/** FIELD_INVALID with all faults at once. */
export async function readCallersFile(path: string, vocabulary: CallersVocabulary): Promise<KnownCallers> {
  return readOnce(callersFile(path, vocabulary));
}

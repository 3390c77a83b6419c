import { fieldInvalid } from '../model/errors.ts';
import { GUID } from '../model/ids.ts';

export function isDirectoryId(text: string): boolean {
  return GUID.test(text);
}

/** It becomes a part of Entra's address, so nothing but a GUID will do. FIELD_INVALID. */
export function checkDirectoryId(field: string, directoryId: string): void {
  if (!isDirectoryId(directoryId)) throw fieldInvalid(field, 'must be the id (GUID) of a directory');
}

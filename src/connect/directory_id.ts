import { fieldInvalid } from '../model/errors.ts';

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function isDirectoryId(text: string): boolean {
  return GUID.test(text);
}

/** It becomes a part of Entra's address, so nothing but a GUID will do. FIELD_INVALID. */
export function checkDirectoryId(field: string, directoryId: string): void {
  if (!isDirectoryId(directoryId)) throw fieldInvalid(field, 'must be the id (GUID) of a directory');
}

import { CONSUMERS_DIRECTORY_ID } from './directory.ts';

/**
 * Personal Microsoft accounts (`live.com`): one word, 70000, for most that can be wrong with a grant, other rules for scopes, and no
 * numbers at the authorize endpoint. https://learn.microsoft.com/advertising/guides/handle-service-errors-exceptions
 */
export function isPersonal(directoryId: string): boolean {
  return directoryId === CONSUMERS_DIRECTORY_ID;
}

/** How their access tokens for Graph and Outlook begin: opaque, no JWT. */
export const PERSONAL_ACCESS_TOKEN = 'EwB';

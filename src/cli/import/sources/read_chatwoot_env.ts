import { parseEnv } from 'node:util';
import { GUID } from '../../../model/id_patterns.ts';
import { Secret } from '../../../model/secret.ts';
import { CommandError, EXIT } from '../../exit_codes.ts';
import { isPlaceholder } from '../rejected_entry.ts';

/** Chatwoot's app registration, as in its environment file. */
export interface ChatwootEnv {
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** If it is set, only accounts of that directory can sign in. */
  readonly directoryId: string | undefined;
  readonly baseUrl: string | undefined;
}

/** Reads AZURE_APP_ID, AZURE_APP_SECRET, AZURE_TENANT_ID and FRONTEND_URL. `name`: name of the file, for errors. */
export function readChatwootEnv(text: string, name: string): ChatwootEnv {
  for (const variable of VARIABLES) {
    if (!isCut(text, variable)) continue;
    throw new CommandError(
      EXIT.DATA,
      `${name}: the value of ${variable} holds a #, which begins a comment for some programs only. Put the whole value in single quotes.`,
    );
  }
  const { AZURE_APP_ID, AZURE_APP_SECRET, AZURE_TENANT_ID, FRONTEND_URL } = parseEnv(text);
  const clientId = required('AZURE_APP_ID', AZURE_APP_ID).toLowerCase();
  // The error does not repeat the value, which may be the secret.
  if (!GUID.test(clientId))
    throw new CommandError(
      EXIT.DATA,
      `${name}: AZURE_APP_ID must be the "Application (client) ID" of the portal, a GUID.`,
    );
  return {
    clientId,
    clientSecret: new Secret(required('AZURE_APP_SECRET', AZURE_APP_SECRET)),
    directoryId: given(AZURE_TENANT_ID),
    baseUrl: given(FRONTEND_URL)?.replace(/\/+$/, ''),
  };

  function required(variable: string, value: string | undefined): string {
    const text = given(value);
    if (text !== undefined) return text;
    throw new CommandError(EXIT.DATA, `${name}: ${variable} is missing, or still a placeholder. Set its value.`);
  }
}

const VARIABLES = ['AZURE_APP_ID', 'AZURE_APP_SECRET', 'AZURE_TENANT_ID', 'FRONTEND_URL'] as const;

/** For Docker a # begins a comment only after a blank, for dotenv and Node everywhere, so Chatwoot's value is ambiguous. */
function isCut(text: string, variable: string): boolean {
  const unquoted = new RegExp(`^[ \\t]*(?:export[ \\t]+)?${variable}[ \\t]*=[ \\t]*([^'"\`\\s][^\\r\\n]*)`, 'gm');
  return [...text.matchAll(unquoted)].some(([, value = '']) => /\S#/.test(value.split(/\s#/)[0] ?? ''));
}

function given(value: string | undefined): string | undefined {
  return value === undefined || value === '' || isPlaceholder(value) ? undefined : value;
}

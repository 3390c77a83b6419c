import type { Scopes } from '../../scopes/scope_translator_interface.ts';
import { METHODS } from './authorize_caller.ts';

/** The names that a callers file may use: methods, and scopes of the loaded catalogs. */
export function callersVocabulary({ isScopeOrPermission }: Pick<Scopes, 'isScopeOrPermission'>) {
  return { methods: METHODS.map(({ name }) => name), isScopeOrPermission };
}

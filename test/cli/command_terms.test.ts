import { expect, test } from 'vitest';
import { COMMANDS, inCommandTerms } from '../../src/cli/command_terms.ts';
import { programCommands } from './program_commands.ts';

test('every command that replaces a method exists', () => {
  const names = programCommands().map(({ name }) => name);
  expect(Object.values(COMMANDS).filter((command) => !names.includes(command))).toEqual([]);
});

test.each([
  [
    'Set home_directory_id with UpdateApp, or pass directory_id to VerifyApp.',
    'Set --home-directory with `apps update`, or pass --directory to `apps verify`.',
  ],
  [
    'Wait until GetApp shows it as STATE_VALID, or set force.',
    'Wait until `apps show` shows it as VALID, or give --force.',
  ],
  [
    'tenants/acme is suspended. Resume it with ResumeTenant.',
    'tenants/acme is suspended. Resume it with `tenants resume`.',
  ],
  ['It is suspended. Resume it with UpdateApp.', 'It is suspended. Resume it with `apps resume`.'],
  ['An admin can lift that (ContainmentService.Lift).', 'An admin can lift that (`containment lift`).'],
  // A field that is malformed is named as the API names it.
  ['directory_id: Give a GUID.', 'directory_id: Give a GUID.'],
  ['GetAppAccessToken and tenants/acme stay.', 'GetAppAccessToken and tenants/acme stay.'],
])('`%s` becomes `%s`', (message, shown) => {
  expect(inCommandTerms(message)).toBe(shown);
});

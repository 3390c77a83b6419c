import { expect, test } from 'vitest';
import { messageOf } from '../../src/cli/error_text.ts';

test.each([
  ['the reason, which is shown separately', 'ada does not exist [CONNECTION_NOT_FOUND]', 'ada does not exist'],
  ['an empty note of grpc-js', 'Last error: refused. Resolution note: ', 'Last error: refused'],
  ['control characters', 'a\u001b[31mb\u009b2Jc', 'a?[31mb?2Jc'],
])('an error is printed without %s', (_, message, printed) => {
  expect(messageOf({ message, reason: 'CONNECTION_NOT_FOUND' })).toBe(printed);
});

import { expect, test } from 'vitest';
import { CONNECTION_GLOB, connectionMatcher } from '../../src/model/connection_glob.ts';

test.each([
  ['ada', 'ada', true],
  ['ada', 'adam', false],
  ['*', '', true],
  ['a*', 'ada', true],
  ['a*', 'bob', false],
  ['*a', 'ada', true],
  ['*a', 'adam', false],
  ['aa*aa', 'aaa', false],
  ['aa*aa', 'aaaa', true],
  ['a*bb*c', 'abbc', true],
  ['a*bb*bc', 'abbc', false],
  ['a*bb*bb*c', 'a-bb-bb-c', true],
  // Each part needs characters of its own.
  ['a*bb*bb*c', 'a-bbb-c', false],
  ['a*b*b*c', 'abc', false],
])('%s matches %s: %s', (glob, id, matches) => {
  expect(connectionMatcher(glob)(id)).toBe(matches);
});

test.each([
  ['a*', true],
  ['Crm.7_x~y|z-*', true],
  ['x'.repeat(128), true],
  ['x'.repeat(129), false],
  ['', false],
  ['a b', false],
  ['a/b', false],
  ['a\n', false],
  [' a', false],
])('a rule may have the glob %j: %s', (glob, isValid) => {
  expect(CONNECTION_GLOB.test(glob)).toBe(isValid);
});

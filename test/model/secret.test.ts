import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '../../src/model/secret.ts';

test('prints a mask, whichever way it is printed', () => {
  const secret = new Secret('canary-value');
  for (const printed of [
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { depth: 9, showHidden: true }),
  ]) {
    expect(printed).not.toContain('canary');
  }
});

test('tells three characters, and of a short one none', () => {
  expect(new Secret('abc8Q~x_').hint()).toBe('abc');
  expect(new Secret('abc8Q~x').hint()).toBe('');
});

test('becomes a private key only where it is one', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  expect(new Secret(pem).privateKey()?.asymmetricKeyType).toBe('ec');
  expect(new Secret('-----BEGIN PRIVATE KEY-----').privateKey()).toBeUndefined();
  const sealed = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
  expect(new Secret(sealed).privateKey()).toBeUndefined();
});

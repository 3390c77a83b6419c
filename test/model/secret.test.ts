import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '../../src/model/secret.ts';

test('prints a mask, however it is printed', () => {
  const secret = new Secret('canary-value');
  for (const printed of [
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { depth: 9, showHidden: true }),
  ]) {
    expect(printed).not.toContain('canary');
  }
});

test('has a hint of three characters, and of a short value none', () => {
  expect(new Secret('abc8Q~x_').hint()).toBe('abc');
  expect(new Secret('abc8Q~x').hint()).toBe('');
});

test('parses a private key, and nothing else', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  expect(new Secret(pem).privateKey()?.asymmetricKeyType).toBe('ec');
  expect(new Secret('-----BEGIN PRIVATE KEY-----').privateKey()).toBeUndefined();
  const sealed = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
  expect(new Secret(sealed).privateKey()).toBeUndefined();
});

test('is identified by the SHA-256 of its value', () => {
  // SHA-256("abc"), FIPS 180-4's own example.
  expect(new Secret('abc').sha256()).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readOnce } from '../../src/config/settled_file_reload.ts';
import { sinksFile } from '../../src/config/sinks_file.ts';
import { webhookRequestOf } from '../../src/event_delivery/build_signed_webhook_request.ts';
import { EVENT_TYPES } from '../../src/model/event_data_format.ts';
import { Secret } from '../../src/model/secret.ts';
import { temporaryFolder } from '../store/temporary_folder.ts';
import { expiring, SECRET } from './delivery_setup.ts';

const page = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8');

function example(language: string): string {
  const block = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(page)?.[1];
  if (block === undefined) throw new Error(`docs/events.md has no example in ${language}`);
  return block;
}

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Requests to verify: valid, signed by the second secret, modified, and too old. */
function cases() {
  const event = { ...expiring(), subject: 'tenants/acme/connections/ädå' };
  const other = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
  const now = Date.now();
  const signed = (secrets: string[], sendTime = now) =>
    webhookRequestOf(event, { source: 'urn:x', secrets: secrets.map((one) => new Secret(one)), sendTime });
  const genuine = signed([SECRET]);
  return [
    { ...genuine, expected: true },
    { ...signed([other, SECRET]), expected: true },
    { ...genuine, body: genuine.body.replace('WARNING', 'INFO'), expected: false },
    { ...signed([other]), expected: false },
    { ...signed([SECRET], now - 10 * 60_000), expected: false },
  ];
}

test('the sinks file in the docs is valid', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'sinks.yaml'), example('yaml'));
  writeFileSync(join(folder, 'pager.secret'), SECRET, { mode: 0o400 });
  expect(await readOnce(sinksFile(join(folder, 'sinks.yaml')))).toMatchObject({
    sinks: [{ id: 'pager' }],
    warnings: [],
  });
});

test('the docs list every event type', () => {
  for (const type of EVENT_TYPES) expect(page).toContain(`- **\`${type}\`**:`);
});

test('the signature check in TypeScript works', async () => {
  const source = example('ts').replace("'standardwebhooks'", `'${import.meta.resolve('standardwebhooks')}'`);
  const file = join(temporaryFolder(), 'open.ts');
  writeFileSync(file, source);
  const { open } = (await import(file)) as { open: (...parts: unknown[]) => unknown };
  for (const { headers, body, expected } of cases()) {
    if (expected) expect(open(SECRET, headers, body)).toMatchObject({ specversion: '1.0' });
    else expect(() => open(SECRET, headers, body)).toThrow();
  }
});

test.skipIf(!isInstalled('python3'))('the check of a signature in Python holds', () => {
  const program = `${example('python')}
import json, sys
secret, cases = json.load(sys.stdin)
print(json.dumps([is_from_vault(secret, one["headers"], one["body"].encode()) for one in cases]))`;
  const input = JSON.stringify([SECRET, cases()]);
  const answered: unknown = JSON.parse(execFileSync('python3', ['-c', program], { input, encoding: 'utf8' }));
  expect(answered).toEqual(cases().map(({ expected }) => expected));
});

test.skipIf(!isInstalled('java'))('the check of a signature in Java holds', () => {
  const calls = cases().map(({ headers, body }) => {
    const signed = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].flatMap((name) => [name, headers[name]]);
    const bytes = Buffer.from(body).toString('base64');
    return `System.out.println(Vault.isFrom(${JSON.stringify(SECRET)}, Map.of(${signed.map((one) => JSON.stringify(one)).join()}), Base64.getDecoder().decode("${bytes}")));`;
  });
  const source = example('java');
  const head = source.indexOf('final class');
  const file = join(temporaryFolder(), 'Main.java');
  const main = `public class Main { public static void main(String[] args) throws Exception { ${calls.join('\n')} } }`;
  writeFileSync(file, `${source.slice(0, head)}${main}\n${source.slice(head)}`);
  const answered = execFileSync('java', [file], { encoding: 'utf8' }).trim().split('\n');
  expect(answered).toEqual(cases().map(({ expected }) => String(expected)));
});

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ADA, redeem, refreshTokenOf } from './client.ts';

/** One row of the table of Entra's errors, as the sandbox returns it. */
interface Row {
  readonly code: number;
  readonly error: string;
  readonly suberror: string | undefined;
}

const table = readFileSync(new URL('../data/entra_answers.tsv', import.meta.url), 'utf8');
const rows: Row[] = table
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [code = '', error = '', suberror = ''] = line.split('\t');
    return { code: Number(code), error, suberror: suberror === '' ? undefined : suberror };
  });

let sandbox: Sandbox;
let refreshToken: string;
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false });
  refreshToken = refreshTokenOf(sandbox, ADA, 'offline_access Mail.Read');
});
beforeEach(() => sandbox.clearFaults());
afterAll(() => sandbox.close());

async function inject(fault: Record<string, unknown>): Promise<void> {
  const body = JSON.stringify({ kind: 'error', ...fault });
  const { status } = await fetch(`${sandbox.url}/sandbox/faults`, { method: 'POST', body });
  expect(status).toBe(200);
}

async function refused() {
  const { status, body } = await redeem(sandbox, refreshToken, 'Mail.Read');
  return { status, code: body.error_codes[0], error: body.error, suberror: body.suberror, body };
}

/** The HTTP status of an error. */
const STATUS: Record<string, number> = { invalid_client: 401, temporarily_unavailable: 503, server_error: 500 };
const STATUS_OF_ROW: Record<string, number> = { '90055 invalid_request': 429, '70021 unauthorized_client': 401 };

test('the table has 196 rows', () => {
  expect(rows).toHaveLength(196);
  expect(new Set(rows.map(({ code, error }) => `${code} ${error}`)).size).toBe(196);
});

test.each(rows)('$code with $error', async ({ code, error, suberror }) => {
  const isOnlyRow = rows.filter((row) => row.code === code).length === 1;
  await inject(isOnlyRow ? { code } : { code, error });
  const answer = await refused();
  expect(answer).toMatchObject({ code, error });
  expect(answer.suberror).toBe(suberror);
  expect(answer.status).toBe(STATUS_OF_ROW[`${code} ${error}`] ?? STATUS[error] ?? 400);
  expect(answer.body.error_description).toMatch(
    new RegExp(
      `^AADSTS${code}: [^{}]+\\. ?[^{}]* Trace ID: [0-9a-f-]{36} Correlation ID: [0-9a-f-]{36} Timestamp: [0-9-]{10} [0-9:]{8}Z$`,
    ),
  );
  expect(answer.body.error_codes).toEqual([code]);
});

test.each([...new Set(rows.map(({ code }) => code))])(
  '%i without an error is answered as one of its rows',
  async (code) => {
    await inject({ code });
    const { error, suberror } = await refused();
    expect(rows).toContainEqual({ code, error, suberror });
  },
);

test('an explicit error or suberror overrides the table', async () => {
  await inject({ code: 53003, error: 'interaction_required', suberror: 'basic_action' });
  expect(await refused()).toMatchObject({ code: 53003, error: 'interaction_required', suberror: 'basic_action' });
  await inject({ code: 50173, suberror: null });
  expect((await refused()).suberror).toBeUndefined();
  await inject({ code: 50011, error: 'unauthorized_client' });
  expect(await refused()).toMatchObject({ code: 50011, error: 'unauthorized_client', status: 400 });
});

test('an error without a number has none in its description', async () => {
  await inject({ error: 'new_word' });
  const { body } = await refused();
  expect(body).toMatchObject({ error: 'new_word', error_codes: [] });
  expect(body.error_description).not.toContain('AADSTS');
  expect(body.error_uri).toBeUndefined();
});

test('an unknown number is invalid_grant', async () => {
  await inject({ code: 79999999 });
  expect(await refused()).toMatchObject({ code: 79999999, error: 'invalid_grant', status: 400 });
});

test.each([
  [500014, 'invalid_resource'],
  [900382, 'invalid_request'],
  [900432, 'invalid_request'],
  [650051, 'invalid_grant'],
  [65005, 'invalid_client'],
  [501051, 'invalid_grant'],
  [9002325, 'invalid_request'],
  [9002326, 'invalid_request'],
  [9002327, 'invalid_request'],
  [1000502, 'invalid_client'],
  [90009, 'invalid_request'],
  [7002138, 'invalid_client'],
  [50005, 'invalid_grant'],
  [5000224, 'invalid_grant'],
  [5000225, 'interaction_required'],
  [530084, 'invalid_grant'],
  [530021, 'interaction_required'],
  [7000012, 'invalid_grant'],
  [50011, 'invalid_client'],
])('a fault with %d and without an error is %s', async (code, error) => {
  await inject({ code });

  expect(await refused()).toMatchObject({ code, error });
});

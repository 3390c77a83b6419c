import { expect, test } from 'vitest';
import { checkServer } from '../../src/store/postgres/check_server.ts';

/** Answers like a server of that version, whose role has all timeouts. */
function serverOf(version: number): Parameters<typeof checkServer>[0] {
  const query = async (text: string) => ({
    rows: text.includes('server_version_num') ? [{ version, standby: false, role: 'vault' }] : [],
  });
  return { query } as unknown as Parameters<typeof checkServer>[0];
}

test('PostgreSQL 14 is refused, with the version that is required', async () => {
  await expect(checkServer(serverOf(140_018))).rejects.toMatchObject({
    reason: 'DATABASE_UNAVAILABLE',
    metadata: { fault: 'server_version' },
    message: expect.stringContaining('PostgreSQL 14; the vault requires PostgreSQL 15 or newer'),
  });
});

test('PostgreSQL 15 is accepted', async () => {
  await expect(checkServer(serverOf(150_000))).resolves.toBeUndefined();
});

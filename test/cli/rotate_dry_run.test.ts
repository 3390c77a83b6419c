import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { type Scenario, startScenario } from '../scenarios/start_scenario.ts';
import { startProgram } from './program.ts';

const DAY = 86_400_000;

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.close());

/** Registers a tenant whose app has these permissions at Entra, and runs a dry run. */
async function dryRun(tenantId: string, applicationPermissions: string[]) {
  const { sandbox, tenants, vault } = scenario;
  const endTime = sandbox.clock.now() + 20 * DAY;
  const registered = sandbox.addApp({ audience: 'organizations', secrets: [{ endTime }], applicationPermissions });
  sandbox.addOwner(registered.clientId, registered.clientId);
  const [secret] = registered.secrets;
  await tenants.registerTenant({
    tenantId,
    app: {
      clientId: registered.clientId,
      cloud: Cloud.CUSTOM,
      credential: { case: 'clientSecret', value: secret?.value ?? '' },
      secretExpireTime: timestampFromMs(endTime),
      homeDirectoryId: registered.directoryId,
    },
  });
  const name = `tenants/${tenantId}/apps/default`;
  const args = ['credentials', 'rotate', name, '--dry-run', '--json', '--address', vault.addresses.admin];
  const { code, stdout } = await startProgram(args).ended;
  const { app } = await scenario.apps.getApp({ name });
  expect(app?.rotationStatus).toBeUndefined();
  expect(registered.secrets).toHaveLength(1);
  return { code, answer: JSON.parse(stdout), clientId: registered.clientId };
}

test('an app with permission gets a plan without blockers, and nothing is changed', async () => {
  const { code, answer } = await dryRun('acme', ['Application.ReadWrite.OwnedBy']);
  expect(code).toBe(0);
  expect(answer).toMatchObject({
    step: 'ADD',
    old_credential: 'tenants/acme/apps/default/credentials/default',
    blockers: [],
  });
  expect(answer.plan).toHaveLength(4);
  expect(Date.parse(answer.new_expire_time)).toBeGreaterThan(scenario.sandbox.clock.now() + 179 * DAY);
});

test('an app without permission gets the permission and the commands, with 65', async () => {
  const { code, answer, clientId } = await dryRun('beta', []);
  expect(code).toBe(65);
  expect(answer.blockers).toHaveLength(1);
  expect(answer.blockers[0]).toContain('Application permissions: Application.ReadWrite.OwnedBy');
  expect(answer.blockers[0]).toContain(`az ad app owner add --id ${clientId}`);
});

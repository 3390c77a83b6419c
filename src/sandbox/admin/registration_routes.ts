import { z } from 'zod';
import { type AdminRoute, bodyOf, param } from './admin_route.ts';

const text = z.string().min(1);
const policyBody = z.strictObject({
  noNewSecrets: z.boolean().optional(),
  longestSecretLife: z.number().min(1).optional(),
});
const ACME = '11111111-1111-4111-8111-111111111111';
const HALF_A_YEAR = 15_552_000_000;
const POLICY = 'an app management policy: no_new_secrets, or longest_secret_life (ms) of secrets that Graph adds';

/** What an administrator lets apps do with their own registrations through Graph. */
export const REGISTRATION_ROUTES: AdminRoute[] = [
  {
    method: 'POST',
    path: '/sandbox/apps/:app/application-permissions',
    does: 'grants an app role on Graph',
    example: { permission: 'Application.ReadWrite.OwnedBy' },
    run: (call) => {
      const { permission } = bodyOf(call, z.strictObject({ permission: text }));
      call.sandbox.grantApplicationPermission(param(call, 'app'), permission);
      return undefined;
    },
  },
  {
    method: 'DELETE',
    path: '/sandbox/apps/:app/application-permissions/:permission',
    does: 'withdraws it',
    run: (call) => void call.sandbox.withdrawApplicationPermission(param(call, 'app'), param(call, 'permission')),
  },
  {
    method: 'POST',
    path: '/sandbox/apps/:app/owners',
    does: 'makes an app (by client id) an owner of this one',
    example: { owner: ACME },
    run: (call) => void call.sandbox.addOwner(param(call, 'app'), bodyOf(call, z.strictObject({ owner: text })).owner),
  },
  {
    method: 'DELETE',
    path: '/sandbox/apps/:app/owners/:owner',
    does: 'makes it an owner no more; each app owns itself at first, which a real one does not',
    run: (call) => void call.sandbox.removeOwner(param(call, 'app'), param(call, 'owner')),
  },
  {
    method: 'POST',
    path: '/sandbox/apps/:app/secret-replication',
    does: 'how long (delay, ms) every second use of a secret fails after Graph added it',
    example: { delay: 0 },
    run: (call) => {
      const { delay } = bodyOf(call, z.strictObject({ delay: z.number().min(0) }));
      call.sandbox.setSecretReplicationDelay(param(call, 'app'), delay);
      return undefined;
    },
  },
  {
    method: 'POST',
    path: '/sandbox/apps/:app/management-policy',
    does: `${POLICY}; instead of the directory's`,
    example: { longest_secret_life: HALF_A_YEAR },
    run: (call) => ({ data: call.sandbox.setAppPolicy(param(call, 'app'), bodyOf(call, policyBody)) }),
  },
  {
    method: 'DELETE',
    path: '/sandbox/apps/:app/management-policy',
    does: "lifts it; the directory's holds again",
    run: (call) => void call.sandbox.setAppPolicy(param(call, 'app'), undefined),
  },
  {
    method: 'POST',
    path: '/sandbox/directories/:directory/management-policy',
    does: POLICY,
    example: { longest_secret_life: HALF_A_YEAR },
    run: (call) => ({ data: call.sandbox.setDirectoryPolicy(param(call, 'directory'), bodyOf(call, policyBody)) }),
  },
  {
    method: 'DELETE',
    path: '/sandbox/directories/:directory/management-policy',
    does: 'lifts it',
    run: (call) => void call.sandbox.setDirectoryPolicy(param(call, 'directory'), undefined),
  },
];

import { z } from 'zod';
import { USER_CONSENTS } from '../state/directory.ts';
import { type AdminRoute, appBody, bodyOf, federatedBody, param, policyBody, secretBody } from './admin_route.ts';
import { viewApp, viewCertificate } from './state_views.ts';

const text = z.string().min(1);
const permissionBody = z.strictObject({ clientId: text, permission: text.optional() });
const permissionsBody = z.strictObject({ clientId: text, permissions: z.array(text) });
const PEM = '-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----';
const ACME = '11111111-1111-4111-8111-111111111111';

/** Directories, apps, and what apps present. Times are milliseconds since the epoch. */
export const REGISTRY_ROUTES: AdminRoute[] = [
  {
    method: 'POST',
    path: '/sandbox/directories',
    does: `adds a directory; user_consent: ${USER_CONSENTS.join(', ')}; default: the first`,
    example: { domain: 'tailspin.example', display_name: 'Tailspin', user_consent: true },
    run: (call) => ({
      data: call.sandbox.addDirectory(
        bodyOf(
          call,
          z.strictObject({
            id: z.uuid().optional(),
            displayName: text.optional(),
            domain: text.optional(),
            userConsent: z.literal(USER_CONSENTS).optional(),
          }),
        ),
      ),
    }),
  },
  {
    method: 'POST',
    path: '/sandbox/apps',
    does: 'adds an app; audience: organizations, common, consumers or a directory id; publisher_verified: see user_consent',
    example: { audience: 'organizations', redirect_uris: ['http://localhost:3000/callback'], secrets: [{}] },
    run: (call) => ({ data: viewApp(call.sandbox.addApp(bodyOf(call, appBody))) }),
  },
  {
    method: 'POST',
    path: '/sandbox/apps/:app/redirect-uris',
    does: 'adds a redirect URI, matched exactly',
    example: { redirect_uri: 'http://localhost:4000/callback' },
    run: (call) =>
      void call.sandbox.addRedirectUri(
        param(call, 'app'),
        bodyOf(call, z.strictObject({ redirectUri: text })).redirectUri,
      ),
  },
  {
    method: 'POST',
    path: '/sandbox/apps/:app/secrets',
    does: 'adds a client secret; until replication_delay (ms) is over, every second use of it fails',
    example: { value: 'another-secret', end_time: 4102444800000, replication_delay: 0 },
    run: (call) => ({ data: call.sandbox.addSecret(param(call, 'app'), bodyOf(call, secretBody)) }),
  },
  {
    method: 'POST',
    path: '/sandbox/apps/:app/secrets/expire',
    does: 'lets a secret (by key_id or value) end now, or at end_time',
    example: { secret: 'another-secret' },
    run: (call) => {
      const { secret, endTime } = bodyOf(call, z.strictObject({ secret: text, endTime: z.number().optional() }));
      call.sandbox.expireSecret(param(call, 'app'), secret, endTime);
      return undefined;
    },
  },
  {
    method: 'DELETE',
    path: '/sandbox/apps/:app/secrets/:key',
    does: 'removes a secret by its key id',
    run: (call) => void call.sandbox.removeSecret(param(call, 'app'), param(call, 'key')),
  },
  {
    method: 'POST',
    path: '/sandbox/apps/:app/certificates',
    does: 'adds a certificate (PEM)',
    example: { certificate: PEM },
    run: (call) => {
      const { certificate } = bodyOf(call, z.strictObject({ certificate: text }));
      return { data: viewCertificate(call.sandbox.addCertificate(param(call, 'app'), certificate)) };
    },
  },
  {
    method: 'DELETE',
    path: '/sandbox/apps/:app/certificates/:key',
    does: 'removes a certificate by its key id',
    run: (call) => void call.sandbox.removeCertificate(param(call, 'app'), param(call, 'key')),
  },
  {
    method: 'POST',
    path: '/sandbox/apps/:app/federated-credentials',
    does: 'trusts another issuer; without public_key (PEM) no signature is checked',
    example: { issuer: 'https://kubernetes.example', subject: 'system:serviceaccount:vault:vault' },
    run: (call) => ({ data: call.sandbox.addFederatedCredential(param(call, 'app'), bodyOf(call, federatedBody)) }),
  },
  {
    method: 'POST',
    path: '/sandbox/resources',
    does: 'adds a resource beside Graph and Outlook',
    example: { id: 'api://tailspin', permissions: ['Orders.Read'] },
    run: (call) => {
      const { id, permissions } = bodyOf(call, z.strictObject({ id: text, permissions: z.array(text).optional() }));
      call.sandbox.addResource(id, permissions);
      return undefined;
    },
  },
  {
    method: 'POST',
    path: '/sandbox/directories/:directory/admin-consent',
    does: "an administrator consents for the directory; without permissions: the registration's list",
    example: { client_id: ACME, permissions: ['Mail.Send', 'Directory.Read.All'] },
    run: (call) => {
      const schema = z.strictObject({ clientId: text, permissions: z.array(text).optional() });
      const { clientId, permissions } = bodyOf(call, schema);
      call.sandbox.grantAdminConsent(param(call, 'directory'), clientId, permissions);
      return undefined;
    },
  },
  {
    method: 'POST',
    path: '/sandbox/directories/:directory/withdraw-admin-consent',
    does: 'takes it back: one permission, or all',
    example: { client_id: ACME, permission: 'Mail.Send' },
    run: (call) => {
      const { clientId, permission } = bodyOf(call, permissionBody);
      call.sandbox.withdrawAdminConsent(param(call, 'directory'), clientId, permission);
      return undefined;
    },
  },
  {
    method: 'POST',
    path: '/sandbox/directories/:directory/user-consent',
    does: 'what its users may consent to from now on',
    example: { user_consent: 'microsoft-user-default-recommended' },
    run: (call) => {
      const { userConsent } = bodyOf(call, z.strictObject({ userConsent: z.literal(USER_CONSENTS) }));
      call.sandbox.setUserConsent(param(call, 'directory'), userConsent);
      return undefined;
    },
  },
  {
    method: 'POST',
    path: '/sandbox/directories/:directory/policy',
    does: 'all users of the directory, and the app itself, get this AADSTS number (for one resource, or client_id): a resource that is disabled there (500014), an app that is gone (70001)',
    example: { code: 500014, resource: 'https://outlook.office.com' },
    run: (call) => void call.sandbox.requireDirectoryPolicy(param(call, 'directory'), bodyOf(call, policyBody)),
  },
  {
    method: 'DELETE',
    path: '/sandbox/directories/:directory/policy',
    does: 'lifts all, or that of ?resource=',
    run: (call) =>
      void call.sandbox.liftDirectoryPolicy(param(call, 'directory'), call.query.get('resource') ?? undefined),
  },
  {
    method: 'POST',
    path: '/sandbox/users/:user/consent',
    does: 'consents for a user, without a page',
    example: { client_id: ACME, permissions: ['Mail.Send'] },
    run: (call) => {
      const { clientId, permissions } = bodyOf(call, permissionsBody);
      call.sandbox.grantConsent(param(call, 'user'), clientId, permissions);
      return undefined;
    },
  },
  {
    method: 'POST',
    path: '/sandbox/users/:user/withdraw-consent',
    does: "takes a user's consent back: one permission, or all (65001)",
    example: { client_id: ACME, permission: 'Mail.Send' },
    run: (call) => {
      const { clientId, permission } = bodyOf(call, permissionBody);
      call.sandbox.withdrawConsent(param(call, 'user'), clientId, permission);
      return undefined;
    },
  },
];
